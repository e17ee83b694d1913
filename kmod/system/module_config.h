/* Where a root's configuration names modules: modules-load.d(5) and modprobe.d(5). */
#ifndef KMOD_MODULE_CONFIG_H
#define KMOD_MODULE_CONFIG_H

#include <stdbool.h>

#include "base/root.h"

/* One name in one line. */
struct module_config_entry {
    const char *file; /* inside the root */
    const char *word; /* "load", or modprobe's command: "alias", "softdep", "options"… */
    const char *name; /* of the module, as the line has it */
    bool wants;       /* the line makes the system look for the module: load, alias, softdep */
    const char *runs; /* the command of an "install" or "remove"; else "" */
};

/*
 * Visits each name in the files *.conf of modules-load.d, *.conf and *.alias of modprobe.d below
 * /etc, /run, /usr/local/lib, /usr/lib and /lib (a folder that is another one by a link: once), and
 * in /etc/modules. All of them count, also one that another file of its name hides. Stops at the
 * first visit that returns non-zero, and returns that. ERROR_REFUSED: a file of more than 1 MiB.
 */
int module_config_walk(const struct root *root,
                       int (*visit)(void *context, const struct module_config_entry *entry,
                                    struct error *err),
                       void *context, struct error *err) MUST_CHECK;

#endif
