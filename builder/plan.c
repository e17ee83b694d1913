#include "builder/plan.h"

#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "builder/bundle_id.h"
#include "builder/bundle_record.h"
#include "builder/plan_key.h"
#include "builder/plan_places.h"
#include "builder/rival_drivers.h"
#include "builder/userspace_digest.h"
#include "builder/userspace_version.h"
#include "toolchain/preflight.h"

/* NULL is the only one with headers. */
static int choose_kernel(struct plan *plan, const char *kernel, struct error *err) {
    if (kernel)
        return kernel_headers_read(plan->root, kernel, &plan->headers, err);
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

static int read_source(struct plan *plan, const char *source, struct error *err) {
    int rc = source_open(source, &plan->source, err);
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

static int find_compiler(struct plan *plan, struct error *err) {
    int rc = compiler_find(plan->headers.compiler, plan->options->allow_cc_mismatch,
                           &plan->compiler, err);
    return rc ? rc : preflight_check(&plan->compiler, err);
}

static int find_inputs(struct plan *plan, const char *kernel, const char *source,
                       struct error *err) {
    int rc = choose_kernel(plan, kernel, err);
    return rc ? rc : read_source(plan, source, err);
}

/* What a compile is made from. */
static int plan_compile(struct plan *plan, struct error *err) {
    int rc = find_inputs(plan, plan->options->kernel, plan->options->source, err);
    return rc ? rc : find_compiler(plan, err);
}

/* The source tree is in the bundle, or is named beside it. */
static int find_bundled_source(const struct bake_options *options, char **source,
                               struct error *err) {
    if (options->source ? !(*source = strdup(options->source))
                        : asprintf(source, "%s/" BUNDLE_SOURCE, options->bundle) < 0) {
        *source = NULL;
        return error_oom(err, "planning the installation");
    }
    if (options->source || access(*source, F_OK) == 0)
        return 0;
    return error_set(err, ERROR_USAGE, ENOENT,
                     "the bundle %s has no source tree with it: name it with --source",
                     options->bundle);
}

/* The same inputs have the same name: the source, the kernel's headers, its configuration. */
static int check_origin(struct plan *plan, const struct bundle_origin *origin, struct error *err) {
    const char *bundle = plan->options->bundle;
    if (strcmp(origin->source_sha256, plan->source.digest))
        return error_set(err, ERROR_MISMATCH, ESTALE,
                         "%s is not the source that the bundle %s was built from",
                         plan->source.origin, bundle);
    int rc = bundle_id_make(plan, plan->bundle_id, err);
    if (rc || !strcmp(origin->id, plan->bundle_id))
        return rc;
    return error_set(err, ERROR_MISMATCH, ESTALE,
                     "the bundle %s was built with other headers or another configuration of %s "
                     "than %s/ has: build it with these",
                     bundle, plan->headers.release, plan->root->path);
}

/* A bundle brings its source, its kernel's name and that of its compiler. */
static int plan_bundle(struct plan *plan, struct error *err) {
    AUTO_BUNDLE_ORIGIN struct bundle_origin origin = {0};
    AUTO_FREE char *source = NULL;
    int rc = bundle_origin_read(plan->options->bundle, &origin, err);
    if (!rc)
        rc = find_bundled_source(plan->options, &source, err);
    if (!rc)
        rc = find_inputs(plan, origin.kernel, source, err);
    if (rc)
        return rc;
    plan->compiler.version = STEAL(origin.compiler);
    return check_origin(plan, &origin, err);
}

static int plan_image(struct plan *plan, struct error *err) {
    int rc = choose_compression(plan, err);
    if (!rc)
        rc = plan_key_load(plan, err);
    if (!rc && plan->options->supported_gpus)
        rc = supported_gpus_read(plan->options->supported_gpus, &plan->gpus, err);
    if (!rc)
        rc = read_userspace(plan, err);
    if (!rc)
        rc = plan_places_find(plan, err);
    return rc ? rc : plan_places_look_early(plan, err);
}

int plan_make(const struct root *root, const struct bake_options *options, struct plan *plan,
              struct error *err) {
    *plan = (struct plan){.root = root, .options = options, .userspace = USERSPACE_INIT};
    int rc = plan_places_check_writable(root, err);
    if (!rc)
        rc = options->bundle ? plan_bundle(plan, err) : plan_compile(plan, err);
    if (!rc)
        rc = plan_image(plan, err);
    return rc || options->bundle ? rc : bundle_id_make(plan, plan->bundle_id, err);
}

int plan_make_build(const struct root *root, const struct bake_options *options, struct plan *plan,
                    struct error *err) {
    *plan = (struct plan){.root = root, .options = options, .userspace = USERSPACE_INIT};
    int rc = plan_compile(plan, err);
    return rc ? rc : bundle_id_make(plan, plan->bundle_id, err);
}

void plan_release(struct plan *plan) {
    kernel_headers_release(&plan->headers);
    source_close(&plan->source);
    dkms_conf_release(&plan->conf);
    compiler_release(&plan->compiler);
    dkms_paths_release(&plan->dkms);
    strlist_release(&plan->module_dirs);
    free(plan->compat_marker);
    supported_gpus_release(&plan->gpus);
    userspace_release(&plan->userspace);
    signing_key_free(&plan->key);
}
