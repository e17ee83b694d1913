#include "kmod/lifecycle/bake_residents.h"

#include <sys/utsname.h>

static int add_own_file(const struct removal *removal, const char *path,
                        struct known_modules *modules, struct error *err) {
    const struct manifest_entry *entry = manifest_find(removal->manifest, path);
    enum ownership ownership = OWNERSHIP_GONE;
    int rc = entry ? removal_ownership(removal, entry, &ownership, err) : 0;
    return rc || ownership != OWNERSHIP_OURS
               ? rc
               : known_modules_add_file(modules, removal->root, path, err);
}

static int add_own_files(const struct removal *removal, const struct facts *facts,
                         struct known_modules *modules, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < facts->module_count; i++)
        rc = add_own_file(removal, facts->modules[i].path, modules, err);
    return rc;
}

/* What is loaded is of the running kernel. */
static int add_derived(const struct root *root, const struct derived *derived,
                       struct known_modules *modules, struct error *err) {
    AUTO_STRLIST struct strlist paths = {0};
    struct utsname system;
    uname(&system);
    int rc = derived_modules_list(derived, system.release, &paths, err);
    for (size_t i = 0; !rc && i < paths.count; i++)
        rc = known_modules_add_file(modules, root, paths.items[i], err);
    return rc;
}

int bake_residents_find(const struct removal *removal, const struct facts *facts,
                        const struct derived *derived, struct known_modules *modules,
                        struct error *err) {
    const struct root *root = removal->root;
    *modules = (struct known_modules){.version = facts->driver_version};
    if (!root->is_host)
        return 0;
    int rc = known_modules_add_facts(modules, facts, err);
    if (!rc && !removal->facts)
        rc = add_own_files(removal, facts, modules, err);
    if (!rc)
        rc = add_derived(root, derived, modules, err);
    return rc ? rc : known_modules_read_record(modules, root, err);
}
