#include "toolchain/kbuild.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tree.h"
#include "toolchain/build_log.h"
#include "toolchain/build_progress.h"
#include "toolchain/build_user.h"
#include "toolchain/collect.h"
#include "toolchain/dkms_shell.h"
#include "toolchain/workplace.h"

#define DKMS_TREE "/var/lib/dkms"

/* dkms runs the command from a variable; what it names, such as $kernelver, is expanded then. */
static const char RUN_COMMAND[] = "eval \"{ $1; }\"";

static const char RUN_SCRIPT[] = "_prebake_script=$build_dir/$1\n"
                                 "if [[ ! -x ${_prebake_script%% *} ]]; then\n"
                                 "    echo \"$1 is not executable\"\n"
                                 "    exit 126\n"
                                 "fi\n"
                                 "exec $_prebake_script\n";

/* One build under way. */
struct build {
    const struct kbuild_spec *spec;
    struct workplace place;
    struct confine_spec confine;
    char *source_mount;
    struct strlist environment;
    int log;
};

static void build_end(struct build *build) {
    workplace_close(&build->place);
    free(build->source_mount);
    strlist_release(&build->environment);
    cleanup_close(&build->log);
}
#define AUTO_BUILD AUTO(build_end)

static int open_place(struct build *build, struct error *err) {
    const struct dkms_conf *conf = build->spec->conf;
    AUTO_FREE char *below = NULL;
    if (asprintf(&below, "%s/%s/build", conf->name, conf->version) < 0 ||
        asprintf(&build->source_mount, "/usr/src/%s-%s", conf->name, conf->version) < 0)
        return error_oom(err, "preparing a build");
    int rc = workplace_open(build->spec->work_dir, below, &build->place, err);
    build->confine = (struct confine_spec){
        .root = build->spec->root,
        .build_dir = build->place.path,
        .build_mount = build->place.inside,
        .source_dir = build->spec->source->path,
        .source_mount = build->source_mount,
    };
    return rc;
}

static int copy_source(const struct build *build, struct error *err) {
    const char *path = build->spec->source->path;
    AUTO_CLOSE int source = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source < 0)
        return error_io(err, errno, "can't open %s", path);
    int rc = tree_copy(source, build->place.parent, build->place.name, err);
    if (!rc)
        rc = build_user_give(build->place.path, err);
    return rc ? error_wrap(err, rc, "can't copy %s to build it", path) : 0;
}

/*
 * CC twice: in the environment, as dkms sets it, and as a variable of every make, since a kernel's
 * Makefile has its own default that may be another compiler. Where the build directory can't stand
 * at dkms' path, the paths that get into objects are made to say so.
 */
static int make_environment(struct build *build, struct error *err) {
    struct strlist *environment = &build->environment;
    const char *compiler = build->spec->compiler->name, *tree = workplace_dkms_tree();
    int rc = strlist_addf(environment, "CC=%s", compiler);
    if (!rc)
        rc = strlist_addf(environment, "MAKEFLAGS=CC=%s", compiler);
    if (!rc && strcmp(tree, DKMS_TREE))
        rc = strlist_addf(environment, "KCFLAGS=-ffile-prefix-map=%s=" DKMS_TREE, tree);
    return rc ? error_oom(err, "preparing a build") : 0;
}

/* The first line is dkms', without the date: the same build has the same log. */
static int open_log(struct build *build, struct error *err) {
    const struct kbuild_spec *spec = build->spec;
    build->log = open(spec->log_path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
    if (build->log < 0)
        return error_io(err, errno, "can't create %s", spec->log_path);
    if (dprintf(build->log, "DKMS make.log for %s-%s for kernel %s (%s)\n", spec->conf->name,
                spec->conf->version, spec->headers->release, spec->headers->machine) < 0)
        return error_io(err, errno, "can't write %s", spec->log_path);
    return 0;
}

static int prepare(struct build *build, struct error *err) {
    int rc = open_place(build, err);
    if (!rc)
        rc = copy_source(build, err);
    if (!rc)
        rc = make_environment(build, err);
    return rc ? rc : open_log(build, err);
}

/* What all programs of the build share. */
static struct process_spec process_spec_for(const struct build *build) {
    return (struct process_spec){
        .environment = (const char *const *)build->environment.items,
        .directory = build->place.inside,
        .output_fd = build->log,
    };
}

static int run_in_shell(const struct build *build, const char *program, const char *argument,
                        struct build_progress *progress, struct process_result *result,
                        struct error *err) {
    const struct kbuild_spec *spec = build->spec;
    const struct dkms_shell shell = {
        .release = spec->headers->release,
        .machine = spec->headers->machine,
        .module = spec->conf->name,
        .module_version = spec->conf->version,
        .jobs = spec->jobs,
    };
    const char *const arguments[] = {argument, NULL};
    struct process_spec process = process_spec_for(build);
    process.tick = progress ? build_progress_tick : NULL;
    process.tick_context = progress;
    return dkms_shell_run(&shell, &build->confine, program, arguments, &process, result, err);
}

static int apply_patch(const struct build *build, const char *patch, struct error *err) {
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "patches/%s", patch) < 0)
        return error_oom(err, "applying a patch");
    const char *const argv[] = {"/usr/bin/patch", "-p1", "-i", path, NULL};
    struct process_spec process = process_spec_for(build);
    process.argv = argv;
    struct process_result result;
    int rc = confine_run(&build->confine, &process, &result, err);
    if (!rc && result.exit_status != 0)
        rc = error_set(err, ERROR_BUILD, EINVAL, "the source's patch %s does not apply (%s)", path,
                       process_describe(&result));
    return rc;
}

static int apply_patches(const struct build *build, struct error *err) {
    const struct strlist *patches = &build->spec->conf->patches;
    int rc = 0;
    for (size_t i = 0; !rc && i < patches->count; i++)
        rc = apply_patch(build, patches->items[i], err);
    return rc;
}

static int run_script(const struct build *build, const char *directive, const char *script,
                      struct error *err) {
    if (!*script)
        return 0;
    struct process_result result;
    int rc = run_in_shell(build, RUN_SCRIPT, script, NULL, &result, err);
    if (!rc && result.exit_status != 0)
        log_warning("%s %s of %s: %s", directive, script, build->spec->conf->name,
                    process_describe(&result));
    return rc;
}

/* The sentence for a make that failed: its log says why. */
static int explain(const struct build *build, struct error *err) {
    const struct kbuild_spec *spec = build->spec;
    AUTO_BUILD_LOG struct build_log_error found = {0};
    int rc = build_log_first_error(spec->log_path, build->place.inside, &found, err);
    if (rc)
        return rc;
    AUTO_FREE char *text = build_log_describe(&found);
    if (!text)
        return error_oom(err, "reading a log");
    bool full = strstr(text, strerror(ENOSPC)) != NULL;
    return error_set(err, full ? ERROR_NO_SPACE : ERROR_BUILD, full ? ENOSPC : EIO,
                     "%s %s does not compile for %s: %s", spec->conf->name, spec->conf->version,
                     spec->headers->release, text);
}

static int run_make(const struct build *build, struct error *err) {
    struct build_progress progress = {.log_fd = build->log};
    struct process_result result;
    int rc = run_in_shell(build, RUN_COMMAND, build->spec->conf->make, &progress, &result, err);
    if (rc)
        return rc;
    build_progress_tick(&progress);
    log_detail("compiled %u files: %s", progress.files, process_describe(&result));
    return result.exit_status == 0 ? 0 : explain(build, err);
}

static int collect_modules(const struct build *build, const char *collect_dir, struct error *err) {
    const struct dkms_conf *conf = build->spec->conf;
    AUTO_CLOSE int dir = open(build->place.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (dir < 0)
        return error_io(err, errno, "can't open %s", build->place.path);
    for (size_t i = 0; i < conf->module_count; i++) {
        const struct dkms_conf_module *module = &conf->modules[i];
        AUTO_FREE char *path = NULL, *to = NULL;
        if (asprintf(&path, "%s%s.ko", module->built_location, module->built_name) < 0 ||
            asprintf(&to, "%s/%s.ko", collect_dir, module->dest_name) < 0)
            return error_oom(err, "collecting modules");
        int rc = collect_file(dir, path, to, err);
        if (rc)
            return rc;
    }
    return 0;
}

int kbuild_run(const struct kbuild_spec *spec, const char *collect_dir, struct error *err) {
    AUTO_BUILD struct build build = {.spec = spec, .place = WORKPLACE_INIT, .log = -1};
    int rc = prepare(&build, err);
    if (!rc)
        rc = apply_patches(&build, err);
    if (!rc)
        rc = run_script(&build, "PRE_BUILD", spec->conf->pre_build, err);
    if (!rc)
        rc = run_make(&build, err);
    if (!rc)
        rc = collect_modules(&build, collect_dir, err);
    return rc ? rc : run_script(&build, "POST_BUILD", spec->conf->post_build, err);
}
