/* `prebake-node reconcile`: use the bake or erase it. */
#ifndef KMOD_CMD_RECONCILE_H
#define KMOD_CMD_RECONCILE_H

#include "base/command.h"

extern const struct command cmd_reconcile;

#endif
