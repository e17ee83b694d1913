/* `prebake-node park`: an active bake goes to the store. */
#ifndef KMOD_CMD_PARK_H
#define KMOD_CMD_PARK_H

#include "base/command.h"

extern const struct command cmd_park;

#endif
