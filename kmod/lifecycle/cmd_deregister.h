/* `prebake-node deregister`: what `dkms remove` does, without dkms. */
#ifndef KMOD_CMD_DEREGISTER_H
#define KMOD_CMD_DEREGISTER_H

#include "base/command.h"

extern const struct command cmd_deregister;

#endif
