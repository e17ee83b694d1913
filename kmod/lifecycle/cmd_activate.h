/* `prebake-node activate`: a parked bake goes to its places. */
#ifndef KMOD_CMD_ACTIVATE_H
#define KMOD_CMD_ACTIVATE_H

#include "base/command.h"

extern const struct command cmd_activate;

#endif
