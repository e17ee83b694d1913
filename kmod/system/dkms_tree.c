#include "kmod/system/dkms_tree.h"

#include <string.h>

#include "kmod/system/module_name.h"
#include "kmod/system/path_component.h"

static char *path_below(const char *folder, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static int check_names(const char *name, const char *version, const char *kernel,
                       const char *machine, struct error *err) {
    int rc = path_component_check(name, "DKMS module name", err);
    if (!rc)
        rc = path_component_check(version, "DKMS module version", err);
    if (!rc)
        rc = path_component_check(kernel, "kernel release", err);
    if (!rc)
        rc = path_component_check(machine, "machine", err);
    if (rc)
        return rc;
    /* dkms' own names beside the versions. */
    if (!strcmp(version, "original_module") || !strncmp(version, "kernel-", strlen("kernel-")))
        return error_set(err, ERROR_REFUSED, EINVAL,
                         "the DKMS module version \"%s\" is a name that dkms uses itself", version);
    return 0;
}

static bool make_paths(const char *name, const char *version, const char *kernel,
                       const char *machine, struct dkms_paths *paths) {
    char *kernel_link = NULL, *source_dir = NULL, *kernel_target = NULL;
    paths->module_dir = path_below(DKMS_TREE, name);
    if (asprintf(&source_dir, "/usr/src/%s-%s", name, version) >= 0)
        paths->source_dir = source_dir;
    if (asprintf(&kernel_target, "%s/%s/%s", version, kernel, machine) >= 0)
        paths->kernel_target = kernel_target;
    if (!paths->module_dir || !paths->source_dir || !paths->kernel_target)
        return false;
    if (asprintf(&kernel_link, "%s/kernel-%s-%s", paths->module_dir, kernel, machine) >= 0)
        paths->kernel_link = kernel_link;
    return paths->kernel_link && (paths->version_dir = path_below(paths->module_dir, version)) &&
           (paths->source_link = path_below(paths->version_dir, "source")) &&
           (paths->kernel_dir = path_below(paths->module_dir, paths->kernel_target)) &&
           (paths->built_dir = path_below(paths->kernel_dir, "module")) &&
           (paths->log_dir = path_below(paths->kernel_dir, "log"));
}

int dkms_paths_make(const char *name, const char *version, const char *kernel, const char *machine,
                    struct dkms_paths *paths, struct error *err) {
    *paths = (struct dkms_paths){0};
    int rc = check_names(name, version, kernel, machine, err);
    if (rc)
        return rc;
    if (make_paths(name, version, kernel, machine, paths))
        return 0;
    dkms_paths_release(paths);
    return error_oom(err, "making the paths of a DKMS registration");
}

void dkms_paths_release(struct dkms_paths *paths) {
    free(paths->module_dir);
    free(paths->version_dir);
    free(paths->source_link);
    free(paths->source_dir);
    free(paths->kernel_dir);
    free(paths->built_dir);
    free(paths->log_dir);
    free(paths->kernel_link);
    free(paths->kernel_target);
    *paths = (struct dkms_paths){0};
}

/* dkms' is_module_added: the version's folder with a `source` that may dangle. */
static bool is_added(const struct root *root, const struct dkms_paths *paths) {
    struct stat st;
    return root_is_directory(root, paths->version_dir) &&
           root_stat(root, paths->source_link, &st) == 0 &&
           (S_ISLNK(st.st_mode) || S_ISDIR(st.st_mode));
}

/*
 * dkms' is_module_built, but for which modules there should be: that is in dkms.conf, which is a
 * program. One module is enough here.
 */
static int find_built(const struct root *root, const struct dkms_paths *paths, bool *built,
                      struct error *err) {
    *built = false;
    if (!root_is_directory(root, paths->built_dir))
        return 0;
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, paths->built_dir, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        *built |= module_name_stem(names.items[i]) > 0;
    return rc;
}

/* dkms' _is_module_installed: kernel-K-M is a link, and what it finally leads to is V/K/M. */
static bool is_installed(const struct root *root, const struct dkms_paths *paths) {
    struct stat st;
    AUTO_FREE char *canonical = NULL;
    return root_stat(root, paths->kernel_link, &st) == 0 && S_ISLNK(st.st_mode) &&
           root_canonical(root, paths->kernel_link, &canonical, NULL) == 0 &&
           !strcmp(canonical, paths->kernel_dir);
}

static int find_state(const struct root *root, const struct dkms_paths *paths,
                      enum dkms_state *state, struct error *err) {
    *state = DKMS_ABSENT;
    if (!is_added(root, paths))
        return 0;
    bool built;
    int rc = find_built(root, paths, &built, err);
    if (!rc)
        *state = !built ? DKMS_ADDED : is_installed(root, paths) ? DKMS_INSTALLED : DKMS_BUILT;
    return rc;
}

int dkms_tree_state(const struct root *root, const char *name, const char *version,
                    const char *kernel, const char *machine, enum dkms_state *state,
                    struct error *err) {
    AUTO_DKMS_PATHS struct dkms_paths paths = {0};
    int rc = dkms_paths_make(name, version, kernel, machine, &paths, err);
    return rc ? rc : find_state(root, &paths, state, err);
}

/* The names in `path` that can be components; dkms' own globs pass over hidden ones as well. */
static int list_plain(const struct root *root, const char *path, struct strlist *names,
                      struct error *err) {
    AUTO_STRLIST struct strlist all = {0};
    if (!root_is_directory(root, path))
        return 0;
    int rc = root_list(root, path, &all, err);
    for (size_t i = 0; !rc && i < all.count; i++)
        if (!path_component_check(all.items[i], "name", NULL) && strlist_add(names, all.items[i]))
            rc = error_oom(err, "reading the DKMS tree");
    return rc;
}

/* dkms looks for kernels by the glob +([0-9]).* */
static bool is_kernel_release(const char *name) {
    size_t digits = strspn(name, "0123456789");
    return digits > 0 && name[digits] == '.';
}

static int count_machines(const struct root *root, const char *name, const char *version,
                          const char *kernel, unsigned *count, struct error *err) {
    AUTO_FREE char *folder = NULL;
    if (asprintf(&folder, "%s/%s/%s/%s", DKMS_TREE, name, version, kernel) < 0)
        return error_oom(err, "reading the DKMS tree");
    AUTO_STRLIST struct strlist machines = {0};
    int rc = list_plain(root, folder, &machines, err);
    for (size_t i = 0; !rc && i < machines.count; i++) {
        enum dkms_state state;
        rc = dkms_tree_state(root, name, version, kernel, machines.items[i], &state, err);
        *count += !rc && state >= DKMS_BUILT;
    }
    return rc;
}

static int count_version(const struct root *root, const char *name, const char *version,
                         unsigned *count, struct error *err) {
    AUTO_DKMS_PATHS struct dkms_paths paths = {0};
    /* "kernel-K-M" and "original_module" are no versions; the other two are not looked at. */
    if (dkms_paths_make(name, version, "0.0", "any", &paths, NULL) || !is_added(root, &paths))
        return 0;
    AUTO_STRLIST struct strlist kernels = {0};
    unsigned built = 0;
    int rc = list_plain(root, paths.version_dir, &kernels, err);
    for (size_t i = 0; !rc && i < kernels.count; i++)
        if (is_kernel_release(kernels.items[i]))
            rc = count_machines(root, name, version, kernels.items[i], &built, err);
    *count += built > 0 ? built : 1;
    return rc;
}

static int count_name(const struct root *root, const char *name, unsigned *count,
                      struct error *err) {
    AUTO_FREE char *folder = path_below(DKMS_TREE, name);
    if (!folder)
        return error_oom(err, "reading the DKMS tree");
    AUTO_STRLIST struct strlist versions = {0};
    int rc = list_plain(root, folder, &versions, err);
    for (size_t i = 0; !rc && i < versions.count; i++)
        rc = count_version(root, name, versions.items[i], count, err);
    return rc;
}

int dkms_tree_count(const struct root *root, const char *name, unsigned *count, struct error *err) {
    *count = 0;
    if (name) {
        int rc = path_component_check(name, "DKMS module name", err);
        return rc ? rc : count_name(root, name, count, err);
    }
    AUTO_STRLIST struct strlist names = {0};
    int rc = list_plain(root, DKMS_TREE, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        rc = count_name(root, names.items[i], count, err);
    return rc;
}
