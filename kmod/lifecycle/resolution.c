#include "kmod/lifecycle/resolution.h"

#include <string.h>

#include "kmod/system/module_lookup.h"

/*
 * The file that modprobe finds for a module, canonical where that can be said; NULL without one.
 * The caller frees. The index knows a module by its file's name: "nvidia-current-open.ko.xz" →
 * nvidia-current-open; it has paths as "/lib/modules/…", whatever /lib is.
 */
static char *find(const struct root *root, const char *kernel, const struct facts_module *module) {
    const char *base = strrchr(module->path, '/');
    AUTO_FREE char *name = base ? strndup(base + 1, strcspn(base + 1, ".")) : NULL, *path = NULL;
    char *canonical = NULL;
    struct error ignored = {0};
    if (!name || module_lookup_path(root, kernel, name, &path, &ignored) || !path)
        return NULL;
    return root_resolve(root, path, &canonical, NULL, &ignored) ? STEAL(path) : canonical;
}

/* Where DKMS put what it derived for another kernel, no record says: what is there counts. */
static enum resolution look_up(const struct root *root, const struct facts *facts,
                               const char *kernel, const struct facts_module *module,
                               char **other) {
    AUTO_FREE char *path = find(root, kernel, module);
    if (path && !strcmp(path, module->path))
        return RESOLUTION_OWN;
    if (!path || !root_exists(root, path))
        return RESOLUTION_NONE;
    if (strcmp(kernel, facts->kernel))
        return RESOLUTION_OWN;
    if (!*other)
        *other = STEAL(path);
    return RESOLUTION_FOREIGN;
}

enum resolution resolution_in(const struct root *root, const struct facts *facts,
                              const char *kernel, char **other) {
    enum resolution all = facts->module_count ? RESOLUTION_OWN : RESOLUTION_NONE;
    for (size_t m = 0; m < facts->module_count; m++) {
        enum resolution one = look_up(root, facts, kernel, &facts->modules[m], other);
        all = one > all ? one : all;
    }
    return all;
}

enum resolution resolution_of(const struct root *root, const struct facts *facts, char **other) {
    enum resolution all = facts->index_count ? RESOLUTION_OWN : RESOLUTION_NONE;
    for (size_t i = 0; i < facts->index_count; i++) {
        enum resolution one = resolution_in(root, facts, facts->indexes[i].kernel, other);
        all = one > all ? one : all;
    }
    return all;
}

int resolution_check(const struct root *root, const struct facts *facts, struct error *err) {
    AUTO_FREE char *other = NULL;
    if (resolution_in(root, facts, facts->kernel, &other) != RESOLUTION_NONE)
        return 0;
    return error_set(err, ERROR_DAMAGED, ENOENT,
                     "modprobe does not find the bake's modules for %s in %s/: remove the line of "
                     "its depmod.d that excludes them, and run depmod",
                     facts->kernel, root->path);
}

static bool is_theirs(const struct removal *removal, const char *path) {
    if (!root_exists(removal->root, path))
        return false;
    const struct manifest_entry *entry = manifest_find(removal->manifest, path);
    struct error ignored = {0};
    enum ownership ownership = OWNERSHIP_FOREIGN;
    return !entry || (removal_ownership(removal, entry, &ownership, &ignored) == 0 &&
                      ownership == OWNERSHIP_FOREIGN);
}

static bool resolves_any(const struct removal *removal, const char *kernel,
                         const struct facts *facts) {
    for (size_t i = 0; i < facts->module_count; i++) {
        AUTO_FREE char *path = find(removal->root, kernel, &facts->modules[i]);
        if (path && !is_theirs(removal, path))
            return true;
    }
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
