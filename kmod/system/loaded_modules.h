/*
 * Modules that are resident in the running kernel, and unloading those that are ours.
 *
 *     /proc/modules                               name, size, references, … (no such file: a kernel
 *                                                 without module support, so nothing is resident)
 *     /sys/module/<name>/notes/.note.gnu.build-id the build id of the code that is loaded
 *     /sys/module/<name>/holders/<module>         resident modules that use it
 *
 * Two builds of one version share a name and often a srcversion; the build id alone tells our
 * module from a customer's. `root` is the running system's own "/" (a test gives a tree of its
 * own).
 */
#ifndef KMOD_LOADED_MODULES_H
#define KMOD_LOADED_MODULES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/root.h"

struct loaded_module {
    char *name;               /* as the kernel knows it: "nvidia_drm" */
    unsigned long references; /* holders and other users (open devices, mounts) */
    bool permanent;           /* the kernel never unloads it */
    char *build_id;           /* lower-case hex, "" when the module has none */
    struct strlist holders;   /* names of resident modules */
};

struct loaded_modules {
    struct loaded_module *items;
    size_t count;
};

/* Reads what is resident now. A module that goes away meanwhile has no build id. ERROR_DAMAGED: a
 * line of /proc/modules that can't be understood. */
int loaded_modules_read(const struct root *root, struct loaded_modules *list,
                        struct error *err) MUST_CHECK;
void loaded_modules_release(struct loaded_modules *list);
#define AUTO_LOADED_MODULES AUTO(loaded_modules_release)

/* The entry of that name or with that build id, or NULL. An empty build id matches nothing. */
const struct loaded_module *loaded_modules_find(const struct loaded_modules *list,
                                                const char *name);
const struct loaded_module *loaded_modules_find_by_build_id(const struct loaded_modules *list,
                                                            const char *build_id);

/*
 * Whether the system tells build ids: one module at least has one. None has where /sys is not
 * mounted (a chroot) and in a kernel without CONFIG_KALLSYMS.
 */
bool loaded_modules_tell_build_ids(const struct loaded_modules *list);

/*
 * What would keep a module whose build id is in `ours` from being unloaded, changing nothing: one
 * entry for each such module, "nvidia (in use)" or "nvidia (held by gdrdrv)", added to `busy`. None
 * means that all of ours can go. −ENOMEM.
 */
int loaded_modules_peek(const struct loaded_modules *list, const struct strlist *ours,
                        struct strlist *busy, struct error *err) MUST_CHECK;

/* Removes a module from the kernel: 0 or −errno. */
typedef int (*loaded_modules_remover)(void *context, const char *name);

/* delete_module(2) with O_NONBLOCK: fails when the module is in use, never forced. */
int loaded_modules_remove(void *context, const char *name);

/*
 * Unloads every module whose build id is in `ours`, holders before what they hold, and no other.
 * A module in use stays, and with it what it holds; each that stayed is added to `busy` as in
 * loaded_modules_peek(), with the kernel's reason where it refused ("nvidia (Operation not
 * permitted)"). The names that went are added to `unloaded`. A module that is gone already counts
 * as neither. −ENOMEM. To report what is resident afterwards, read again.
 */
int loaded_modules_unload(const struct loaded_modules *list, const struct strlist *ours,
                          loaded_modules_remover remover, void *context, struct strlist *unloaded,
                          struct strlist *busy, struct error *err) MUST_CHECK;

#endif
