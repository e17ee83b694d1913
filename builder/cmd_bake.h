/* `prebake bake`: compile, verify, sign, compress, place, register. */
#ifndef BUILDER_CMD_BAKE_H
#define BUILDER_CMD_BAKE_H

#include "base/command.h"

extern const struct command cmd_bake;

#endif
