/* `prebake sign`: sign module files again, in place, packed as they were. */
#ifndef BUILDER_CMD_SIGN_H
#define BUILDER_CMD_SIGN_H

#include "base/command.h"

extern const struct command cmd_sign;

#endif
