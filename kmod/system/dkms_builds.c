#include "kmod/system/dkms_builds.h"

#include <fcntl.h>
#include <string.h>

#include "kmod/system/path_component.h"

#define KERNEL_LINK "kernel-"

static const char reading[] = "reading a DKMS registration";

/* dkms' own folders beside those of kernels (remove_module looks past the same ones). */
static bool is_reserved(const char *name) {
    static const char *const reserved[] = {"build", "tarball", "driver_disk",
                                           "rpm",   "deb",     "source"};
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
        if (!strcmp(name, reserved[i]))
            return true;
    return false;
}

/* 1 for a folder, 0 for nothing; anything else there is refused: it could lead elsewhere. */
static int look_for_folder(const struct root *root, const char *path, struct error *err) {
    struct stat st;
    int rc = root_stat(root, path, &st);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return 0;
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, path);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_REFUSED, ENOTDIR,
                         "%s%s is not a folder, as dkms has it there; nothing was changed",
                         root->path, path);
    return 1;
}

/* The folders (no links) in `path` with a plain name. */
static int list_folders(const struct root *root, const char *path, struct strlist *folders,
                        struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_CLOSE int fd = -1;
    int rc = root_open_dir(root, path, &fd, err);
    if (!rc)
        rc = root_list(root, path, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        struct stat st;
        if (!path_component_check(names.items[i], "name", NULL) &&
            !fstatat(fd, names.items[i], &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode) &&
            strlist_add(folders, names.items[i]))
            rc = error_oom(err, reading);
    }
    return rc;
}

static enum dkms_active find_active(const struct root *root, const struct dkms_paths *paths) {
    AUTO_FREE char *target = NULL;
    AUTO_FREE char *canonical = NULL;
    int rc = root_read_link(root, paths->kernel_link, &target);
    if (rc)
        return rc == -ENOENT ? DKMS_ACTIVE_NONE : DKMS_ACTIVE_OTHER;
    /* As dkms writes it; or in other words that lead there, which is what dkms asks. */
    bool leads = !strcmp(target, paths->kernel_target) ||
                 (!root_canonical(root, paths->kernel_link, &canonical, NULL) &&
                  !strcmp(canonical, paths->kernel_dir));
    return leads ? DKMS_ACTIVE_THIS : DKMS_ACTIVE_OTHER;
}

static bool is_known(const struct dkms_builds *builds, const char *kernel, const char *machine) {
    for (size_t i = 0; i < builds->count; i++)
        if (!strcmp(builds->items[i].kernel, kernel) && !strcmp(builds->items[i].machine, machine))
            return true;
    return false;
}

static void release_build(struct dkms_build *build) {
    free(build->kernel);
    free(build->machine);
    dkms_paths_release(&build->paths);
}

static int add_build(const struct root *root, struct dkms_builds *builds, const char *name,
                     const char *version, const char *kernel, const char *machine,
                     struct error *err) {
    struct dkms_build build = {.kernel = strdup(kernel), .machine = strdup(machine)};
    struct dkms_build *items = reallocarray(builds->items, builds->count + 1, sizeof *items);
    if (items)
        builds->items = items;
    int rc = items && build.kernel && build.machine ? 0 : error_oom(err, reading);
    if (!rc)
        rc = dkms_paths_make(name, version, kernel, machine, &build.paths, err);
    if (rc) {
        release_build(&build);
        return rc;
    }
    build.active = find_active(root, &build.paths);
    items[builds->count++] = build;
    return 0;
}

static int read_kernel(const struct root *root, struct dkms_builds *builds, const char *name,
                       const char *version, const char *kernel, struct error *err) {
    AUTO_FREE char *folder = NULL;
    AUTO_STRLIST struct strlist machines = {0};
    if (strlist_add(&builds->kernels, kernel) ||
        asprintf(&folder, "%s/%s", builds->version_dir, kernel) < 0)
        return error_oom(err, reading);
    int rc = list_folders(root, folder, &machines, err);
    for (size_t i = 0; !rc && i < machines.count; i++)
        rc = add_build(root, builds, name, version, kernel, machines.items[i], err);
    return rc;
}

static int read_version(const struct root *root, struct dkms_builds *builds, const char *name,
                        const char *version, struct error *err) {
    AUTO_STRLIST struct strlist folders = {0};
    int rc = list_folders(root, builds->version_dir, &folders, err);
    for (size_t i = 0; !rc && i < folders.count; i++)
        if (!is_reserved(folders.items[i]))
            rc = read_kernel(root, builds, name, version, folders.items[i], err);
    return rc;
}

/* A link V/K/M whose folder is gone: still a registration, which keeps dkms from another. */
static int read_link(const struct root *root, struct dkms_builds *builds, const char *name,
                     const char *version, const char *link, struct error *err) {
    AUTO_FREE char *path = NULL, *target = NULL;
    if (asprintf(&path, "%s/%s", builds->module_dir, link) < 0)
        return error_oom(err, reading);
    if (root_read_link(root, path, &target))
        return 0;
    char *rest = target;
    const char *parts[3];
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        parts[i] = rest ? strsep(&rest, "/") : "";
    if (rest || strcmp(parts[0], version) || path_component_check(parts[1], "kernel", NULL) ||
        path_component_check(parts[2], "machine", NULL) || is_known(builds, parts[1], parts[2]))
        return 0;
    builds->present = true;
    return add_build(root, builds, name, version, parts[1], parts[2], err);
}

static int read_links(const struct root *root, struct dkms_builds *builds, const char *name,
                      const char *version, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, builds->module_dir, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        if (!strncmp(names.items[i], KERNEL_LINK, strlen(KERNEL_LINK)))
            rc = read_link(root, builds, name, version, names.items[i], err);
    return rc;
}

static int read_all(const struct root *root, struct dkms_builds *builds, const char *name,
                    const char *version, struct error *err) {
    int found = look_for_folder(root, builds->module_dir, err);
    if (found <= 0)
        return found;
    found = look_for_folder(root, builds->version_dir, err);
    if (found < 0)
        return found;
    builds->present = found == 1;
    int rc = builds->present ? read_version(root, builds, name, version, err) : 0;
    return rc ? rc : read_links(root, builds, name, version, err);
}

int dkms_builds_read(const struct root *root, const char *name, const char *version,
                     struct dkms_builds *builds, struct error *err) {
    *builds = (struct dkms_builds){0};
    AUTO_DKMS_PATHS struct dkms_paths paths = {0};
    /* Kernel and machine are any: name and version are checked, and their folders wanted. */
    int rc = dkms_paths_make(name, version, "0", "0", &paths, err);
    if (rc)
        return rc;
    builds->module_dir = STEAL(paths.module_dir);
    builds->version_dir = STEAL(paths.version_dir);
    rc = read_all(root, builds, name, version, err);
    if (rc)
        dkms_builds_release(builds);
    return rc;
}

void dkms_builds_release(struct dkms_builds *builds) {
    for (size_t i = 0; i < builds->count; i++)
        release_build(&builds->items[i]);
    free(builds->items);
    strlist_release(&builds->kernels);
    free(builds->module_dir);
    free(builds->version_dir);
    *builds = (struct dkms_builds){0};
}
