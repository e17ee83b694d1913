#include "builder/plan.h"

#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/log.h"
#include "builder/bundle_id.h"
#include "builder/rival_drivers.h"
#include "builder/userspace_digest.h"
#include "builder/userspace_placing.h"
#include "builder/userspace_version.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/placing_space.h"
#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/placement.h"
#include "toolchain/preflight.h"

/* Looked at before the compile: minutes of work must not end in "read-only file system". */
static int check_writable(const struct root *root, struct error *err) {
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

static int choose_kernel(struct plan *plan, struct error *err) {
    if (plan->options->kernel)
        return kernel_headers_read(plan->root, plan->options->kernel, &plan->headers, err);
    AUTO_FREE char *release = NULL;
    int rc = kernel_headers_choose(plan->root, &release, err);
    return rc ? rc : kernel_headers_read(plan->root, release, &plan->headers, err);
}

static int check_version(const struct dkms_conf *conf, struct error *err) {
    if (strspn(conf->version, "0123456789.") != strlen(conf->version))
        return error_set(err, ERROR_REFUSED, EINVAL,
                         "%s: PACKAGE_VERSION '%s' is not digits and dots, and only such a version "
                         "can be recorded in the marker",
                         conf->name, conf->version);
    return 0;
}

static int check_scripts(const struct plan *plan, struct error *err) {
    if (plan->conf.ignored_scripts.count == 0 || plan->options->ignore_scripts)
        return 0;
    AUTO_FREE char *scripts = strlist_join(&plan->conf.ignored_scripts, ", ");
    return error_set(err, ERROR_REFUSED, EPERM,
                     "%s/dkms.conf wants scripts run at install time, which prebake does not do "
                     "(%s); --ignore-scripts bakes without them",
                     plan->source.path, scripts ? scripts : "");
}

static int read_source(struct plan *plan, struct error *err) {
    int rc = source_open(plan->options->source, &plan->source, err);
    if (!rc)
        rc = dkms_conf_read(plan->root, plan->source.path, &plan->headers, plan->options->jobs,
                            &plan->conf, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < plan->conf.warnings.count; i++)
        log_warning("%s", plan->conf.warnings.items[i]);
    if (plan->conf.excluded)
        return error_set(err, ERROR_EXCLUDED, EINVAL, "%s", plan->conf.excluded);
    rc = check_version(&plan->conf, err);
    return rc ? rc : check_scripts(plan, err);
}

/* By the names that the modules are built under: "nvidia.ko", or Debian's "nvidia-current.ko". */
static bool bakes_nvidia(const struct dkms_conf *conf) {
    for (size_t i = 0; i < conf->module_count; i++)
        if (!strncmp(conf->modules[i].built_name, "nvidia", strlen("nvidia")))
            return true;
    return false;
}

static int read_userspace(struct plan *plan, struct error *err) {
    if (!plan->options->userspace)
        return 0;
    int rc = userspace_read(plan->options->userspace, &plan->userspace, err);
    if (!rc)
        rc = userspace_version_check(&plan->userspace, plan->conf.version, err);
    if (!rc && bakes_nvidia(&plan->conf))
        rc = rival_drivers_check(plan->root, plan->headers.release, &plan->userspace, err);
    return rc ? rc : userspace_digest(&plan->userspace, plan->userspace_digest, err);
}

static int choose_compression(struct plan *plan, struct error *err) {
    const char *word = plan->options->compress;
    if (!strcmp(word, "auto"))
        word = plan->headers.compression;
    if (compression_parse(word, &plan->compression))
        return error_set(err, ERROR_USAGE, EINVAL, "--compress: unknown format '%s'", word);
    return 0;
}

static int find_places(struct plan *plan, struct error *err) {
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
    if (!safe_name_path(path) || !strncmp(path, STATE_FOLDER "/", strlen(STATE_FOLDER "/")))
        return error_set(
            err, ERROR_USAGE, EINVAL,
            "--compat-marker takes an absolute path inside the root, not below " STATE_FOLDER
            ": '%s'",
            path);
    return root_resolve_place(plan->root, path, &plan->compat_marker, NULL, err);
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

int plan_look_at_places(struct plan *plan, struct error *err) {
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
static int look_before_building(struct plan *plan, struct error *err) {
    struct error reason = {0};
    if (is_baked(plan->root))
        return 0;
    int rc = plan_look_at_places(plan, &reason);
    if (!rc)
        rc = look_at_userspace_places(plan, &reason);
    if (!rc || is_baked(plan->root))
        return 0;
    *err = reason;
    return rc;
}

static int find_compiler(struct plan *plan, struct error *err) {
    int rc = compiler_find(plan->headers.compiler, plan->options->allow_cc_mismatch,
                           &plan->compiler, err);
    return rc ? rc : preflight_check(&plan->compiler, err);
}

int plan_make(const struct root *root, const struct bake_options *options, struct plan *plan,
              struct error *err) {
    *plan = (struct plan){.root = root, .options = options, .userspace = USERSPACE_INIT};
    int rc = check_writable(root, err);
    if (!rc)
        rc = choose_kernel(plan, err);
    if (!rc)
        rc = choose_compression(plan, err);
    if (!rc)
        rc = read_source(plan, err);
    if (!rc)
        rc = read_userspace(plan, err);
    if (!rc)
        rc = find_compiler(plan, err);
    if (!rc)
        rc = find_places(plan, err);
    if (!rc)
        rc = find_compat_marker(plan, err);
    if (!rc)
        rc = look_before_building(plan, err);
    return rc ? rc : bundle_id_make(plan, plan->bundle_id, err);
}

static int describe_userspace(struct strlist *steps, const struct plan *plan) {
    const struct userspace *userspace = &plan->userspace;
    if (!plan->options->userspace)
        return 0;
    AUTO_FREE char *privileged = strlist_join(&userspace->privileged, ", ");
    return !privileged ||
           strlist_addf(steps,
                        "lay %s over %s/: %zu files, %zu links, %zu directories, %.1f MiB; with "
                        "setuid, setgid or capabilities: %s",
                        userspace->tree.path, plan->root->path, userspace->files, userspace->links,
                        userspace->dirs, (double)userspace->bytes / (1 << 20),
                        *privileged ? privileged : "none") ||
           strlist_addf(steps, "check that what it brings finds its libraries, run ldconfig");
}

static int describe(struct strlist *steps, const struct plan *plan) {
    const struct kernel_headers *headers = &plan->headers;
    const struct dkms_conf *conf = &plan->conf;
    const char *root = plan->root->path;
    const char *key = plan->options->sign_key;
    return strlist_addf(steps, "compile %s %s (%zu modules) for %s with %s, %u jobs", conf->name,
                        conf->version, conf->module_count, headers->release, plan->compiler.name,
                        plan->options->jobs) ||
           strlist_addf(steps, "verify against %s%s: vermagic \"%s\", %s", root, headers->build_dir,
                        headers->vermagic, headers->modversions ? "symbol versions" : "symbols") ||
           strlist_addf(steps, "strip, %s%s, compress: %s", key ? "sign with " : "leave unsigned",
                        key ? key : "", compression_name(plan->compression)) ||
           strlist_addf(steps, "place in %s%s", root, plan->module_dirs.items[0]) ||
           strlist_addf(steps, "register with DKMS: %s%s, source %s%s", root, plan->dkms.kernel_dir,
                        plan->dkms.source_dir, plan->source_in_place ? " (already there)" : "") ||
           describe_userspace(steps, plan) ||
           strlist_addf(steps, "put prebake-node into %s/usr/sbin", root) ||
           strlist_addf(steps, "run depmod for %s", headers->release) ||
           (plan->compat_marker &&
            strlist_addf(steps, "place the compat marker %s%s", root, plan->compat_marker)) ||
           strlist_addf(steps, "write manifest, facts, state and marker in %s" STATE_FOLDER, root);
}

int plan_describe(const struct plan *plan, struct strlist *steps, struct error *err) {
    return describe(steps, plan) ? error_oom(err, "describing the plan") : 0;
}

void plan_release(struct plan *plan) {
    kernel_headers_release(&plan->headers);
    source_close(&plan->source);
    dkms_conf_release(&plan->conf);
    compiler_release(&plan->compiler);
    dkms_paths_release(&plan->dkms);
    strlist_release(&plan->module_dirs);
    free(plan->compat_marker);
    userspace_release(&plan->userspace);
}
