/* The option --lock-wait of the commands that change a system. */
#ifndef KMOD_LOCK_OPTION_H
#define KMOD_LOCK_OPTION_H

#include "base/command.h"

#define LOCK_OPTION                                                                                \
    { "lock-wait", "SECONDS", "wait for another command (default 30)", NULL }

/* Its value in seconds, or the default. ERROR_USAGE for anything but a number up to an hour. */
int lock_option_read(const struct command_call *call, unsigned *seconds,
                     struct error *err) MUST_CHECK;

#endif
