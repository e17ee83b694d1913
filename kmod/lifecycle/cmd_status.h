/* `prebake-node status`: what this system carries. */
#ifndef KMOD_CMD_STATUS_H
#define KMOD_CMD_STATUS_H

#include "base/command.h"

extern const struct command cmd_status;

#endif
