#include "builder/plan_places.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "builder/reserved_place.h"
#include "builder/userspace_placing.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/placing_space.h"
#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/placement.h"

/* Looked at before the compile: minutes of work must not end in "read-only file system". */
int plan_places_check_writable(const struct root *root, struct error *err) {
    static const char *const folders[] = {"/", "/usr", "/lib/modules", "/var/lib"};
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        AUTO_CLOSE int fd = -1;
        struct statvfs fs;
        if (root_open_dir(root, folders[i], &fd, NULL))
            continue;
        if (fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY))
            return error_set(err, ERROR_REFUSED, EROFS,
                             "%s%s is on a read-only file system: remount it writable, or bake "
                             "into the tree the image is made from",
                             root->path, folders[i]);
    }
    return 0;
}

static int find_folders(struct plan *plan, struct error *err) {
    const struct kernel_headers *headers = &plan->headers;
    for (size_t i = 0; i < plan->conf.module_count; i++) {
        AUTO_FREE char *folder = NULL;
        int rc = placement_folder(plan->root, plan->conf.modules[i].dest_location, &folder, err);
        if (rc)
            return rc;
        if (strlist_addf(&plan->module_dirs, "/lib/modules/%s/%s", headers->release, folder))
            return error_oom(err, "planning the bake");
    }
    return dkms_paths_make(plan->conf.name, plan->conf.version, headers->release, headers->machine,
                           &plan->dkms, err);
}

static int find_compat_marker(struct plan *plan, struct error *err) {
    const char *path = plan->options->compat_marker;
    if (!path)
        return 0;
    if (!safe_name_path(path))
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--compat-marker takes an absolute path inside the root: '%s'", path);
    int rc = root_resolve_place(plan->root, path, &plan->compat_marker, NULL, err);
    if (rc)
        return rc;
    const struct reserved_place *reserved = reserved_place_of(path, plan->compat_marker);
    if (!reserved)
        return 0;
    return error_set(err, ERROR_USAGE, EINVAL, "--compat-marker %s may not be in or at %s%s: %s",
                     path, plan->root->path, reserved->path, reserved->why);
}

int plan_places_find(struct plan *plan, struct error *err) {
    int rc = find_folders(plan, err);
    return rc ? rc : find_compat_marker(plan, err);
}

/* A source tree that a package put into the root is used as it is, when it is the same. */
static int look_at_source_place(struct plan *plan, struct error *err) {
    if (!root_exists(plan->root, plan->dkms.source_dir))
        return 0;
    AUTO_FREE char *path = root_host_path(plan->root, plan->dkms.source_dir);
    if (!path)
        return error_oom(err, "planning the bake");
    AUTO_SOURCE struct source there = {0};
    struct error reason = {0};
    if (source_open(path, &there, &reason) || strcmp(there.digest, plan->source.digest))
        return error_set(err, ERROR_REFUSED, EEXIST,
                         "%s is there and is not the source to bake; remove it, or bake from it "
                         "(--source %s)",
                         path, path);
    plan->source_in_place = true;
    return 0;
}

static int look_at_registration(struct plan *plan, struct error *err) {
    enum dkms_state state;
    int rc = dkms_tree_state(plan->root, plan->conf.name, plan->conf.version, plan->headers.release,
                             plan->headers.machine, &state, err);
    if (rc)
        return rc;
    plan->dkms_added = state == DKMS_ADDED && plan->source_in_place;
    if (state == DKMS_ABSENT || plan->dkms_added)
        return 0;
    return error_set(err, ERROR_REFUSED, EEXIST,
                     "DKMS in %s/ already has %s/%s for %s, and not from this bake; 'dkms remove "
                     "%s/%s --all' in it first",
                     plan->root->path, plan->conf.name, plan->conf.version, plan->headers.release,
                     plan->conf.name, plan->conf.version);
}

static int look_at_compat_marker(const struct plan *plan, struct error *err) {
    if (!plan->compat_marker || !root_exists(plan->root, plan->compat_marker))
        return 0;
    return error_set(err, ERROR_REFUSED, EEXIST,
                     "%s%s is there and not from this bake; 'prebake-node teardown "
                     "--legacy-marker %s' erases what another tool baked",
                     plan->root->path, plan->compat_marker, plan->compat_marker);
}

int plan_places_look(struct plan *plan, struct error *err) {
    plan->source_in_place = plan->dkms_added = false;
    int rc = look_at_source_place(plan, err);
    if (!rc)
        rc = look_at_compat_marker(plan, err);
    return rc ? rc : look_at_registration(plan, err);
}

/* Everything is tried but the placing itself. */
static int look_at_userspace_places(const struct plan *plan, struct error *err) {
    AUTO_PLACING struct placing placing = {0};
    int rc = userspace_placing_add(&plan->userspace, plan->root, &placing, err);
    return rc ? rc : placing_space_check(&placing, plan->root, err);
}

static bool is_baked(const struct root *root) {
    return root_exists(root, STATE_FOLDER_MARKER) || bake_is_unfinished(root);
}

/*
 * Places of a bake that is being replaced or made again are no obstacle, nor are those of one that
 * somebody began to make while they were looked at: with the lock held it is looked again.
 */
int plan_places_look_early(struct plan *plan, struct error *err) {
    struct error reason = {0};
    if (is_baked(plan->root))
        return 0;
    int rc = plan_places_look(plan, &reason);
    if (!rc)
        rc = look_at_userspace_places(plan, &reason);
    if (!rc || is_baked(plan->root))
        return 0;
    *err = reason;
    return rc;
}
