#include "kmod/lifecycle/derived_modules.h"

#include <string.h>

#include "kmod/system/dkms_installed.h"

bool derived_modules_has(const struct derived *derived, const struct dkms_build *build) {
    return derived->ours && build->active == DKMS_ACTIVE_THIS &&
           !strlist_contains(&derived->kernels, build->kernel);
}

static int add_resolved(const struct root *root, const char *path, struct strlist *paths,
                        struct error *err) {
    AUTO_FREE char *canonical = NULL;
    int rc = root_resolve(root, path, &canonical, NULL, err);
    if (!rc && !strlist_contains(paths, canonical) && strlist_add(paths, canonical))
        rc = error_oom(err, "listing derived modules");
    return rc;
}

static int list_build(const struct dkms_removal *removal, const struct dkms_build *build,
                      struct strlist *paths, struct error *err) {
    AUTO_DKMS_INSTALLED struct dkms_installed installed = {0};
    int rc = dkms_installed_find(removal->root, build, removal->known, &installed, err);
    for (size_t i = 0; !rc && i < installed.count; i++)
        rc = add_resolved(removal->root, installed.files[i].path, paths, err);
    return rc;
}

int derived_modules_list(const struct derived *derived, const char *kernel, struct strlist *paths,
                         struct error *err) {
    const struct dkms_builds *builds = &derived->removal.builds;
    int rc = 0;
    for (size_t i = 0; !rc && i < builds->count; i++) {
        const struct dkms_build *build = &builds->items[i];
        if (derived_modules_has(derived, build) && (!kernel || !strcmp(build->kernel, kernel)))
            rc = list_build(&derived->removal, build, paths, err);
    }
    return rc;
}

static int note_build(const struct dkms_removal *removal, const struct dkms_build *build,
                      struct compared_files *compared, struct error *err) {
    AUTO_DKMS_INSTALLED struct dkms_installed installed = {0};
    int rc = dkms_installed_find(removal->root, build, removal->known, &installed, err);
    for (size_t i = 0; !rc && i < installed.compared.count; i++)
        if (compared_files_add(compared, &installed.compared.items[i]))
            rc = error_oom(err, "noting derived modules");
    return rc;
}

int derived_modules_note(const struct derived *derived, struct compared_files *compared,
                         struct error *err) {
    const struct dkms_builds *builds = &derived->removal.builds;
    int rc = 0;
    for (size_t i = 0; !rc && i < builds->count; i++)
        if (derived_modules_has(derived, &builds->items[i]))
            rc = note_build(&derived->removal, &builds->items[i], compared, err);
    return rc;
}
