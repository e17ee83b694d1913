/*
 * The modules of a bake, as a loaded one is recognised: by its build id. The facts tell them; so do
 * module files that are ours. What is taken away from under a loaded module and is not in the facts
 * is recorded first, so that the next run still knows it:
 *
 *     /var/lib/prebake/store/loaded-modules     nvidia_drm=<build id>, a module a line
 *
 * A compressed file tells no build id ("nvidia_drm="). A loaded module of that name and the
 * driver's version may be from it or a customer's.
 */
#ifndef KMOD_KNOWN_MODULES_H
#define KMOD_KNOWN_MODULES_H

#include <stddef.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/state_folder.h"

#define KNOWN_MODULES_RECORD STATE_FOLDER_STORE "/loaded-modules"

struct known_module {
    char *name;     /* as the kernel has it: "nvidia_drm" */
    char *build_id; /* lower-case hex, "" when it can't be told */
};

struct known_modules {
    const char *version; /* the driver's; it stays the caller's */
    struct known_module *items;
    size_t count;
    size_t lasting; /* that many of them are told by the facts, which stay to the end */
};

/* Adds what the facts tell; call it first. −ENOMEM. */
int known_modules_add_facts(struct known_modules *modules, const struct facts *facts,
                            struct error *err) MUST_CHECK;

/* Adds the module file `path` inside the root, unless it is known. I/O errors and −ENOMEM. */
int known_modules_add_file(struct known_modules *modules, const struct root *root, const char *path,
                           struct error *err) MUST_CHECK;

/* Adds what an earlier run recorded; no record is nothing to add. ERROR_REFUSED, ERROR_DAMAGED: the
 * record is not to be believed. */
int known_modules_read_record(struct known_modules *modules, const struct root *root,
                              struct error *err) MUST_CHECK;

/* Publishes the record of those that no facts tell; none of them, no record. The state folder
 * exists. */
int known_modules_write_record(const struct known_modules *modules, const struct root *root,
                               struct error *err) MUST_CHECK;

void known_modules_release(struct known_modules *modules);
#define AUTO_KNOWN_MODULES AUTO(known_modules_release)

#endif
