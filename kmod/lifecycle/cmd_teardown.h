/* `prebake-node teardown`: erases the bake. */
#ifndef KMOD_CMD_TEARDOWN_H
#define KMOD_CMD_TEARDOWN_H

#include "base/command.h"

extern const struct command cmd_teardown;

#endif
