#include "toolchain/dkms_conf.h"

#include <string.h>

#include "toolchain/build_exclusive.h"
#include "toolchain/dkms_conf_eval.h"
#include "toolchain/dkms_directives.h"
#include "toolchain/dkms_modules.h"
#include "toolchain/kernel_config.h"
#include "toolchain/workplace.h"

/* A value that must be one path component, since folders are named after it. */
static int read_component(const struct dkms_values *values, const char *directive, char **out,
                          struct error *err) {
    const char *value = dkms_values_get(values, directive, 0);
    if (!*value)
        return error_set(err, ERROR_DAMAGED, EINVAL, "dkms.conf has no %s", directive);
    if (!dkms_modules_is_component(value))
        return error_set(err, ERROR_DAMAGED, EINVAL,
                         "dkms.conf: %s=\"%s\" can't be a folder's name", directive, value);
    *out = strdup(value);
    return *out ? 0 : error_oom(err, "reading dkms.conf");
}

static int read_identity(const struct dkms_values *values, struct dkms_conf *conf,
                         struct error *err) {
    int rc = read_component(values, "PACKAGE_NAME", &conf->name, err);
    return rc ? rc : read_component(values, "PACKAGE_VERSION", &conf->version, err);
}

/* The last MAKE whose MAKE_MATCH matches; the first MAKE when there is no MAKE_MATCH[0]. */
static const char *choose_make(const struct dkms_values *values, const char *release) {
    const char *chosen = "";
    if (!*dkms_values_get(values, "MAKE_MATCH", 0))
        chosen = dkms_values_get(values, "MAKE", 0);
    unsigned count = dkms_values_count(values, "MAKE");
    for (unsigned i = 0; i < count; i++) {
        const char *make = dkms_values_get(values, "MAKE", i);
        const char *match = dkms_values_get(values, "MAKE_MATCH", i);
        if (*make && *match && build_exclusive_matches(release, match))
            chosen = make;
    }
    return chosen;
}

/*
 * The command as dkms runs it. Of the two variables dkms puts behind it for kernels of LLVM, the
 * linker is added here; the compiler is given to every make by kbuild.c.
 */
static int read_make(const struct dkms_values *values, const struct kernel_headers *headers,
                     const struct dkms_shell *shell, struct dkms_conf *conf) {
    AUTO_FREE char *fallback = NULL;
    if (asprintf(&fallback, "make -C /lib/modules/%s/build M=%s/%s/%s/build", headers->release,
                 workplace_dkms_tree(), conf->name, conf->version) < 0)
        return -ENOMEM;
    const char *chosen = choose_make(values, headers->release);
    const char *command = *chosen ? chosen : fallback;
    const char *linker =
        kernel_config_is_set(&headers->config, "CONFIG_LD_IS_LLD") ? " LD=ld.lld" : "";
    int length;
    if (strncmp(command, "make", strlen("make")))
        length = asprintf(&conf->make, "%s%s", command, linker);
    else
        length = asprintf(&conf->make, "make -j%u KERNELRELEASE=%s%s%s", shell->jobs,
                          headers->release, command + strlen("make"), linker);
    return length < 0 ? -ENOMEM : 0;
}

/* Each PATCH without a PATCH_MATCH, or whose PATCH_MATCH matches. */
static int read_patches(const struct dkms_values *values, const char *release,
                        struct strlist *patches) {
    unsigned count = dkms_values_count(values, "PATCH");
    for (unsigned i = 0; i < count; i++) {
        const char *patch = dkms_values_get(values, "PATCH", i);
        const char *match = dkms_values_get(values, "PATCH_MATCH", i);
        if (*patch && (!*match || build_exclusive_matches(release, match)) &&
            strlist_add(patches, patch))
            return -ENOMEM;
    }
    return 0;
}

static int read_depends(const struct dkms_values *values, struct strlist *depends) {
    for (size_t i = 0; i < values->count; i++) {
        if (strcmp(values->items[i].name, "BUILD_DEPENDS"))
            continue;
        AUTO_FREE char *words = strdup(values->items[i].value);
        char *rest = NULL;
        for (char *word = words ? strtok_r(words, " \t\n", &rest) : NULL; word;
             word = strtok_r(NULL, " \t\n", &rest))
            if (strlist_add(depends, word))
                return -ENOMEM;
        if (!words)
            return -ENOMEM;
    }
    return 0;
}

static int read_rest(const struct dkms_values *values, const struct kernel_headers *headers,
                     const struct dkms_shell *shell, struct dkms_conf *conf) {
    conf->pre_build = strdup(dkms_values_get(values, "PRE_BUILD", 0));
    conf->post_build = strdup(dkms_values_get(values, "POST_BUILD", 0));
    conf->autoinstall = *dkms_values_get(values, "AUTOINSTALL", 0) != '\0';
    int rc = conf->pre_build && conf->post_build ? 0 : -ENOMEM;
    if (!rc)
        rc = read_make(values, headers, shell, conf);
    if (!rc)
        rc = read_patches(values, headers->release, &conf->patches);
    if (!rc)
        rc = read_depends(values, &conf->build_depends);
    if (!rc)
        rc = dkms_directives_scripts(values, &conf->ignored_scripts);
    if (!rc)
        rc = dkms_directives_warn(values, &conf->warnings);
    return rc ? rc : build_exclusive_check(values, headers, &conf->excluded);
}

/*
 * Twice: which overrides there are, and what dkms.conf itself may say, depends on the name and
 * version that it gives.
 */
static int evaluate(const struct dkms_conf_view *view, const struct kernel_headers *headers,
                    struct dkms_shell *shell, struct dkms_conf *conf, struct dkms_values *values,
                    struct error *err) {
    AUTO_DKMS_VALUES struct dkms_values first = {0};
    int rc = dkms_conf_eval(view, shell, &first, err);
    if (!rc)
        rc = read_identity(&first, conf, err);
    if (rc)
        return rc;
    shell->module = conf->name;
    shell->module_version = conf->version;
    rc = dkms_conf_eval(view, shell, values, err);
    if (!rc && (strcmp(dkms_values_get(values, "PACKAGE_NAME", 0), conf->name) ||
                strcmp(dkms_values_get(values, "PACKAGE_VERSION", 0), conf->version)))
        rc = error_set(err, ERROR_DAMAGED, EINVAL,
                       "dkms.conf or an override in /etc/dkms changes the name or version of %s/%s "
                       "for %s",
                       conf->name, conf->version, headers->release);
    return rc;
}

static int read_conf(const struct dkms_conf_view *view, const struct kernel_headers *headers,
                     unsigned jobs, struct dkms_conf *conf, struct error *err) {
    struct dkms_shell shell = {
        .release = headers->release,
        .machine = headers->machine,
        .module = "",
        .module_version = "",
        .jobs = jobs,
    };
    AUTO_DKMS_VALUES struct dkms_values values = {0};
    int rc = evaluate(view, headers, &shell, conf, &values, err);
    if (!rc)
        rc = dkms_modules_read(&values, conf, err);
    if (!rc && read_rest(&values, headers, &shell, conf))
        rc = error_oom(err, "reading dkms.conf");
    return rc;
}

int dkms_conf_read(const struct root *root, const char *source_dir,
                   const struct kernel_headers *headers, unsigned jobs, struct dkms_conf *conf,
                   struct error *err) {
    *conf = (struct dkms_conf){0};
    AUTO_DKMS_CONF_VIEW struct dkms_conf_view *view = NULL;
    int rc = dkms_conf_view_open(root, source_dir, &view, err);
    if (!rc)
        rc = read_conf(view, headers, jobs, conf, err);
    if (rc)
        dkms_conf_release(conf);
    return rc;
}

void dkms_conf_release(struct dkms_conf *conf) {
    free(conf->name);
    free(conf->version);
    free(conf->make);
    free(conf->pre_build);
    free(conf->post_build);
    free(conf->excluded);
    dkms_modules_release(conf);
    strlist_release(&conf->patches);
    strlist_release(&conf->ignored_scripts);
    strlist_release(&conf->build_depends);
    strlist_release(&conf->warnings);
    *conf = (struct dkms_conf){0};
}
