/*
 * Modules of a legacy image that are loaded in the running kernel. There are no facts to know them
 * by: their files tell the build ids, as long as they are there. What a teardown takes away from
 * under a loaded module is therefore recorded first, so that the next run still knows it:
 *
 *     /var/lib/prebake/store/legacy-modules     nvidia_drm=<build id>, a module a line
 *
 * A compressed file tells no build id ("nvidia_drm="). A loaded module of that name and the
 * marker's version may be from it or a customer's: it is reported and left loaded.
 */
#ifndef KMOD_LEGACY_RESIDENTS_H
#define KMOD_LEGACY_RESIDENTS_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/legacy_paths.h"
#include "kmod/lifecycle/state_folder.h"

#define LEGACY_RESIDENTS_RECORD STATE_FOLDER_STORE "/legacy-modules"

struct legacy_residents {
    struct facts known;      /* modules with a build id alone, as resident.h takes them */
    struct strlist nameless; /* names of modules of unknown build id, as the kernel has them */
};

/*
 * Fills `residents` from the modules of `paths` that are ours and from the record of an earlier
 * run. The caller releases. Empty for a tree that is not the running system's own. ERROR_REFUSED,
 * ERROR_DAMAGED: the record is not to be believed.
 */
int legacy_residents_read(const struct root *root, const struct legacy_paths *paths,
                          struct legacy_residents *residents, struct error *err) MUST_CHECK;

/* Publishes the record; the state folder exists. */
int legacy_residents_write(const struct root *root, const struct legacy_residents *residents,
                           struct error *err) MUST_CHECK;

/* Whether one of them, or one that may be, is loaded. */
bool legacy_residents_any(const struct root *root, const char *version,
                          const struct legacy_residents *residents);

void legacy_residents_release(struct legacy_residents *residents);
#define AUTO_LEGACY_RESIDENTS AUTO(legacy_residents_release)

#endif
