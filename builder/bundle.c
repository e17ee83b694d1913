#include "builder/bundle.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/log.h"
#include "base/temporary.h"
#include "base/tree.h"
#include "builder/bundle_record.h"
#include "builder/kept_log.h"
#include "builder/target.h"
#include "toolchain/kbuild.h"
#include "toolchain/strip.h"

static void remove_path(const char *path) {
    struct error err = {0};
    if (path && tree_remove(AT_FDCWD, path, &err))
        log_warning("%s", err.text);
}

char *bundle_module_path(const struct bundle *bundle, const char *dest_name) {
    char *path = NULL;
    return asprintf(&path, "%s/modules/%s.ko", bundle->path, dest_name) < 0 ? NULL : path;
}

static int verify(const struct plan *plan, const struct bundle *bundle, struct error *err) {
    AUTO_STRLIST struct strlist paths = {0};
    for (size_t i = 0; i < plan->conf.module_count; i++)
        if (strlist_addf(&paths, "%s/modules/%s.ko", bundle->path, plan->conf.modules[i].dest_name))
            return error_oom(err, "verifying modules");
    return target_verify_paths(&plan->headers, NULL, &paths, err);
}

static int strip(const struct plan *plan, const struct bundle *bundle, struct error *err) {
    for (size_t i = 0; i < plan->conf.module_count; i++) {
        if (!plan->conf.modules[i].strip)
            continue;
        AUTO_FREE char *path = bundle_module_path(bundle, plan->conf.modules[i].dest_name);
        if (!path)
            return error_oom(err, "stripping modules");
        int rc = strip_debug(path, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int compile(const struct plan *plan, const struct bundle *bundle, struct error *err) {
    AUTO_TEMPORARY struct temporary work = {0};
    AUTO_FREE char *modules = NULL, *log = NULL;
    int rc = temporary_make(NULL, &work, err);
    if (rc)
        return rc;
    if (asprintf(&modules, "%s/modules", bundle->path) < 0 ||
        asprintf(&log, "%s/make.log", bundle->path) < 0)
        return error_oom(err, "compiling");
    if (mkdir(modules, 0755))
        return error_io(err, errno, "can't create %s", modules);
    struct kbuild_spec spec = {
        .root = plan->root,
        .source = &plan->source,
        .headers = &plan->headers,
        .compiler = &plan->compiler,
        .conf = &plan->conf,
        .jobs = plan->options->jobs,
        .work_dir = work.path,
        .log_path = log,
    };
    rc = kbuild_run(&spec, modules, err);
    return rc ? kept_log_add(log, rc, err) : 0;
}

static int build(const struct plan *plan, const struct bundle *bundle, struct error *err) {
    log_step("compiling %s %s for %s with %s, %u jobs", plan->conf.name, plan->conf.version,
             plan->headers.release, plan->compiler.name, plan->options->jobs);
    int rc = compile(plan, bundle, err);
    if (rc)
        return rc;
    log_step("verifying %zu modules against %s", plan->conf.module_count, plan->headers.build_dir);
    rc = verify(plan, bundle, err);
    if (!rc)
        rc = strip(plan, bundle, err);
    return rc ? rc : bundle_record_write(plan, bundle->path, err);
}

/* A finished bundle appears under its name in one step; two builds of the same give the same. */
static int move_into_cache(const char *from, const char *to, struct error *err) {
    AUTO_CLOSE int fd = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0755) || syncfs(fd))
        return error_io(err, errno, "can't finish %s", from);
    if (rename(from, to) && errno != EEXIST && errno != ENOTEMPTY)
        return error_io(err, errno, "can't move the bundle to %s", to);
    return 0;
}

/* Whoever can write a bundle there decides what root's modules are. */
static int check_folder(const char *option, const char *folder, struct error *err) {
    struct stat st;
    if (stat(folder, &st))
        return error_io(err, errno, "%s %s", option, folder);
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_USAGE, ENOTDIR, "%s %s is not a directory", option, folder);
    if (st.st_uid != geteuid() || (st.st_mode & 022))
        return error_set(err, ERROR_REFUSED, EPERM,
                         "%s %s is somebody else's or can be written by others; a bundle planted "
                         "there would be baked",
                         option, folder);
    return 0;
}

static int make_cache(const char *cache, struct error *err) {
    if (mkdir(cache, 0755) && errno != EEXIST)
        return error_io(err, errno, "--cache %s", cache);
    return check_folder("--cache", cache, err);
}

/* Finds a whole bundle in the cache. 1: found; 0: not there, or damaged and removed. */
static int look_in_cache(const struct plan *plan, const char *path) {
    struct error reason = {0};
    struct stat st;
    if (lstat(path, &st))
        return 0;
    if (bundle_record_check(plan, path, &reason) == 0)
        return 1;
    log_warning("%s; it is built again", reason.text);
    remove_path(path);
    return 0;
}

static int build_in(const struct plan *plan, const char *base, struct bundle *bundle,
                    struct error *err) {
    int rc = temporary_make(base, &bundle->temporary, err);
    if (rc)
        return rc;
    bundle->path = strdup(bundle->temporary.path);
    return bundle->path ? build(plan, bundle, err) : error_oom(err, "building");
}

static int open_given(const struct plan *plan, struct bundle *bundle, struct error *err) {
    const char *path = plan->options->bundle;
    int rc = check_folder("--bundle", path, err);
    if (!rc)
        rc = bundle_record_check(plan, path, err);
    bundle->path = strdup(path);
    return rc || bundle->path ? rc : error_oom(err, "opening a bundle");
}

int bundle_get(const struct plan *plan, struct bundle *bundle, struct error *err) {
    *bundle = (struct bundle){0};
    const char *cache = plan->options->cache;
    if (plan->options->bundle)
        return open_given(plan, bundle, err);
    if (!cache)
        return build_in(plan, NULL, bundle, err);
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s", cache, plan->bundle_id) < 0)
        return error_oom(err, "looking for a bundle");
    int rc = make_cache(cache, err);
    if (rc)
        return rc;
    if (!look_in_cache(plan, path)) {
        rc = build_in(plan, cache, bundle, err);
        if (!rc)
            rc = move_into_cache(bundle->path, path, err);
        if (rc)
            return rc;
    } else {
        log_step("using the bundle %s", path);
        bundle->reused = true;
    }
    free(bundle->path);
    bundle->path = STEAL(path);
    temporary_remove(&bundle->temporary);
    return 0;
}

void bundle_release(struct bundle *bundle) {
    temporary_remove(&bundle->temporary);
    free(bundle->path);
    *bundle = (struct bundle){0};
}
