#include "kmod/lifecycle/resolution.h"

#include <string.h>

#include "kmod/system/module_lookup.h"

/* `path` is as the index has it: "/lib/modules/…", whatever /lib is. */
static bool is_theirs(const struct removal *removal, const char *path) {
    AUTO_FREE char *canonical = NULL;
    struct error ignored = {0};
    if (root_resolve(removal->root, path, &canonical, NULL, &ignored) ||
        !root_exists(removal->root, canonical))
        return false;
    const struct manifest_entry *entry = manifest_find(removal->manifest, canonical);
    enum ownership ownership = OWNERSHIP_FOREIGN;
    return !entry || (removal_ownership(removal, entry, &ownership, &ignored) == 0 &&
                      ownership == OWNERSHIP_FOREIGN);
}

/* The index knows a module by its file's name: "nvidia-current-open.ko.xz" → nvidia-current-open.
 */
static bool is_resolved(const struct removal *removal, const char *kernel,
                        const struct facts_module *module) {
    const char *base = strrchr(module->path, '/');
    AUTO_FREE char *name = base ? strndup(base + 1, strcspn(base + 1, ".")) : NULL, *path = NULL;
    struct error ignored = {0};
    return name && module_lookup_path(removal->root, kernel, name, &path, &ignored) == 0 && path &&
           !is_theirs(removal, path);
}

static bool resolves_any(const struct removal *removal, const char *kernel,
                         const struct facts *facts) {
    for (size_t i = 0; i < facts->module_count; i++)
        if (is_resolved(removal, kernel, &facts->modules[i]))
            return true;
    return false;
}

bool resolution_of_ours(const struct removal *removal, const struct facts *facts,
                        const struct strlist *others) {
    for (size_t i = 0; i < facts->index_count; i++)
        if (resolves_any(removal, facts->indexes[i].kernel, facts))
            return true;
    for (size_t i = 0; i < others->count; i++)
        if (resolves_any(removal, others->items[i], facts))
            return true;
    return false;
}
