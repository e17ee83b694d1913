/* prebake verify: will these modules load on that kernel? */
#ifndef BUILDER_CMD_VERIFY_H
#define BUILDER_CMD_VERIFY_H

#include "base/command.h"

extern const struct command cmd_verify;

#endif
