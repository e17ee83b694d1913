/* `prebake seal`: check the bake, renew its index variants. */
#ifndef BUILDER_CMD_SEAL_H
#define BUILDER_CMD_SEAL_H

#include "base/command.h"

extern const struct command cmd_seal;

#endif
