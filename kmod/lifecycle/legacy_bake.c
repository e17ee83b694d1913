#include "kmod/lifecycle/legacy_bake.h"

#include <string.h>

#include "kmod/lifecycle/legacy_libraries.h"
#include "kmod/lifecycle/legacy_links.h"
#include "kmod/lifecycle/legacy_modules.h"
#include "kmod/lifecycle/legacy_programs.h"
#include "kmod/system/dkms_builds.h"
#include "kmod/system/package_owner.h"
#include "kmod/system/path_component.h"
#include "kmod/system/version_proof.h"

/* One look under way. */
struct look {
    struct legacy_evidence evidence;
    const struct marker *marker;
    char *source; /* the DKMS source's dkms.conf */
    struct legacy_bake *bake;
};

static void release(struct look *look) {
    installer_log_release(&look->evidence.log);
    free(look->source);
}

static int check_version(const struct root *root, const struct marker *marker, struct error *err) {
    if (version_proof_usable(marker->driver_version))
        return 0;
    return error_set(
        err, ERROR_REFUSED, EINVAL,
        "the legacy marker in %s/ has %s%s as its driver_version, by which nothing can "
        "be told to be of it; nothing was touched",
        root->path, *marker->driver_version ? "" : "nothing", marker->driver_version);
}

static int collect(struct look *look, struct error *err) {
    struct legacy_bake *bake = look->bake;
    const struct root *root = look->evidence.root;
    int rc = installer_log_read(root, look->evidence.version, &look->evidence.log, err);
    if (!rc)
        rc = legacy_modules_kernels(root, &bake->kernels, err);
    if (!rc)
        rc = legacy_modules_collect(root, &bake->kernels, &bake->paths, err);
    if (!rc)
        rc = legacy_libraries_collect(root, look->marker->arch, &bake->paths, err);
    if (!rc)
        rc = legacy_programs_collect(&look->evidence, &bake->paths, err);
    return rc;
}

static int find_owned(struct look *look, struct error *err) {
    AUTO_STRLIST struct strlist all = {0}, owned = {0};
    struct legacy_paths *paths = &look->bake->paths;
    if (asprintf(&look->source, "/usr/src/" LEGACY_DKMS_NAME "-%s/dkms.conf",
                 look->evidence.version) < 0 ||
        (root_exists(look->evidence.root, look->source) && strlist_add(&all, look->source)))
        return error_oom(err, "looking for packages");
    for (size_t i = 0; i < paths->count; i++)
        if (strlist_add(&all, paths->items[i].path))
            return error_oom(err, "looking for packages");
    int rc = package_owner_find(look->evidence.root, &all, &owned, err);
    look->bake->packaged = !rc && strlist_contains(&owned, look->source);
    for (size_t i = 0; !rc && owned.count > 0 && i < paths->count; i++)
        paths->items[i].owned = strlist_contains(&owned, paths->items[i].path);
    return rc;
}

static int prove_one(const struct look *look, struct legacy_path *item, struct error *err) {
    if (item->owned)
        return 0;
    switch (item->class) {
    case LEGACY_MODULE:
        return look->bake->packaged
                   ? 0
                   : legacy_modules_prove(look->evidence.root, look->evidence.version, item, err);
    case LEGACY_LIBRARY:
        return legacy_libraries_prove(&look->evidence, look->marker->arch, item, err);
    case LEGACY_PROGRAM:
    case LEGACY_CONFIG:
        return legacy_programs_prove(&look->evidence, item, err);
    case LEGACY_COPY:   /* when its original is */
    case LEGACY_FOLDER: /* when it is empty */
        break;
    }
    return 0;
}

static int prove(const struct look *look, struct error *err) {
    const struct root *root = look->evidence.root;
    struct legacy_paths *paths = &look->bake->paths;
    int rc = 0;
    for (size_t i = 0; !rc && i < paths->count; i++)
        rc = prove_one(look, &paths->items[i], err);
    if (!rc)
        rc = legacy_libraries_prove_copies(root, paths, err);
    return rc ? rc : legacy_links_prove(root, look->evidence.version, paths, err);
}

static int count_paths(const struct look *look, struct error *err) {
    struct legacy_bake *bake = look->bake;
    for (size_t i = 0; i < bake->paths.count; i++) {
        const struct legacy_path *item = &bake->paths.items[i];
        AUTO_STRLIST struct strlist names = {0};
        if (item->class == LEGACY_FOLDER) {
            int rc = root_list(look->evidence.root, item->path, &names, err);
            if (rc)
                return rc;
            bake->left += names.count == 0 && !item->owned;
        } else if (item->ours) {
            bake->left++;
        } else if (item->class != LEGACY_COPY) {
            bake->foreign++;
        }
    }
    return 0;
}

/* Folders of other versions beside the marker's. */
static int count_versions(const struct look *look, const struct dkms_builds *builds,
                          struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(look->evidence.root, builds->module_dir, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        const char *name = names.items[i];
        if (strcmp(name, look->evidence.version) != 0 && name[0] >= '0' && name[0] <= '9')
            look->bake->foreign++;
    }
    return rc;
}

static int look_at_dkms(const struct look *look, struct error *err) {
    AUTO_DKMS_BUILDS struct dkms_builds builds = {0};
    struct legacy_bake *bake = look->bake;
    int rc = dkms_builds_read(look->evidence.root, LEGACY_DKMS_NAME, look->evidence.version,
                              &builds, err);
    if (rc)
        return rc;
    bake->registered = builds.present && !bake->packaged;
    bake->left += bake->registered;
    bake->foreign += builds.present && bake->packaged;
    return count_versions(look, &builds, err);
}

int legacy_bake_find(const struct root *root, const struct marker *marker, struct legacy_bake *bake,
                     struct error *err) {
    AUTO(release)
    struct look look = {
        .evidence = {.root = root, .version = marker->driver_version},
        .marker = marker,
        .bake = bake,
    };
    *bake = (struct legacy_bake){0};
    int rc = check_version(root, marker, err);
    if (!rc)
        rc = collect(&look, err);
    if (!rc)
        rc = find_owned(&look, err);
    if (!rc)
        rc = prove(&look, err);
    if (!rc)
        rc = count_paths(&look, err);
    if (!rc)
        rc = look_at_dkms(&look, err);
    if (rc)
        legacy_bake_release(bake);
    return rc;
}

void legacy_bake_release(struct legacy_bake *bake) {
    strlist_release(&bake->kernels);
    legacy_paths_release(&bake->paths);
    *bake = (struct legacy_bake){0};
}
