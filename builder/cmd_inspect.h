/* prebake inspect: what module files say of themselves. */
#ifndef BUILDER_CMD_INSPECT_H
#define BUILDER_CMD_INSPECT_H

#include "base/command.h"

extern const struct command cmd_inspect;

#endif
