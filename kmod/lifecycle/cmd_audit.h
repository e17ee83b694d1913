/* `audit`, of both programs: what a root carries, and whether that is as expected. */
#ifndef KMOD_CMD_AUDIT_H
#define KMOD_CMD_AUDIT_H

#include "base/command.h"

extern const struct command cmd_audit;

#endif
