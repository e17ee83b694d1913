#include "kmod/system/depmod.h"

#include <string.h>

#include "base/file.h"
#include "base/process.h"
#include "base/tree.h"

#define DEPMOD_OUTPUT_MAX 512 /* of its words, for an error's sentence */

/* The root's configuration folders; of two files of one name the first folder's counts. */
static const char *const CONFIGURATION[] = {
    "/etc/depmod.d",
    "/run/depmod.d",
    "/usr/local/lib/depmod.d",
    "/lib/depmod.d",
};

bool depmod_is_index_file(const char *name) {
    static const char *const inputs[] = {"modules.order", "modules.builtin",
                                         "modules.builtin.modinfo"};
    for (size_t i = 0; i < ARRAY_SIZE(inputs); i++)
        if (!strcmp(name, inputs[i]))
            return false;
    return !strncmp(name, "modules.", strlen("modules."));
}

int depmod_discard(const struct root *root, const char *staging, struct error *err) {
    if (!root_exists(root, staging))
        return 0;
    AUTO_CLOSE int parent = -1;
    const char *name;
    int rc = root_open_parent(root, staging, &parent, &name, err);
    return rc ? rc : tree_remove(parent, name, err);
}

/* Links what depmod reads of the kernel's folder into the staging one. */
static int link_inputs(const struct root *root, const char *kernel_dir, int folder,
                       struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_FREE char *canonical = NULL;
    int rc = root_canonical(root, kernel_dir, &canonical, err);
    if (!rc)
        rc = root_list(root, canonical, &names, err);
    if (rc)
        return rc;
    AUTO_FREE char *host = root_host_path(root, canonical);
    for (size_t i = 0; host && i < names.count; i++) {
        const char *name = names.items[i];
        if (depmod_is_index_file(name) || !strcmp(name, "build") || !strcmp(name, "source"))
            continue;
        AUTO_FREE char *target = NULL;
        if (asprintf(&target, "%s/%s", host, name) < 0)
            return error_oom(err, "preparing depmod");
        if (symlinkat(target, folder, name))
            return error_io(err, errno, "can't prepare depmod's folder for %s", kernel_dir);
    }
    return host ? 0 : error_oom(err, "preparing depmod");
}

/* The staging tree with everything but depmod's output; `folder` is its kernel folder. */
static int make_staging(const struct root *root, const char *kernel, const char *staging,
                        const char *folder, struct error *err) {
    AUTO_FREE char *kernel_dir = NULL, *configuration = NULL, *usr = NULL, *usr_lib = NULL;
    if (asprintf(&kernel_dir, "/lib/modules/%s", kernel) < 0 ||
        asprintf(&configuration, "%s/depmod.d", staging) < 0 ||
        asprintf(&usr, "%s/usr", staging) < 0 || asprintf(&usr_lib, "%s/lib", usr) < 0)
        return error_oom(err, "preparing depmod");
    int rc = depmod_discard(root, staging, err);
    if (!rc)
        rc = root_make_dirs(root, folder, 0700, NULL, err);
    if (!rc)
        rc = root_make_dirs(root, configuration, 0700, NULL, err);
    if (!rc)
        rc = root_make_dirs(root, usr, 0700, NULL, err);
    if (!rc)
        rc = file_publish_link(root, usr_lib, "../lib", err);
    AUTO_CLOSE int fd = -1;
    if (!rc)
        rc = root_open_dir(root, folder, &fd, err);
    return rc ? rc : link_inputs(root, kernel_dir, fd, err);
}

static int add_configuration(struct strlist *argv, const struct root *root, const char *path,
                             struct error *err) {
    AUTO_FREE char *canonical = NULL;
    int rc = root_canonical(root, path, &canonical, err);
    if (rc)
        return rc;
    AUTO_FREE char *host = root_host_path(root, canonical);
    if (!host || strlist_add(argv, "-C") || strlist_add(argv, host))
        return error_oom(err, "preparing depmod");
    return 0;
}

/* depmod -b STAGING -C EMPTY -C FOLDER… KERNEL */
static int make_arguments(const struct root *root, const char *depmod, const char *kernel,
                          const char *staging, struct strlist *argv, struct error *err) {
    AUTO_FREE char *base = root_host_path(root, staging), *empty = NULL;
    if (!base || asprintf(&empty, "%s/depmod.d", staging) < 0 || strlist_add(argv, depmod) ||
        strlist_add(argv, "-b") || strlist_add(argv, base))
        return error_oom(err, "preparing depmod");
    int rc = add_configuration(argv, root, empty, err);
    for (size_t i = 0; !rc && i < ARRAY_SIZE(CONFIGURATION); i++) {
        struct stat st;
        if (!root_stat_following(root, CONFIGURATION[i], &st) && S_ISDIR(st.st_mode))
            rc = add_configuration(argv, root, CONFIGURATION[i], err);
    }
    if (!rc && strlist_add(argv, kernel))
        rc = error_oom(err, "preparing depmod");
    return rc;
}

static int execute(const struct strlist *argv, const char *kernel, struct error *err) {
    AUTO_BUFFER struct buffer output = {0};
    struct process_spec spec = {
        .argv = (const char *const *)argv->items,
        .output = &output,
        .output_max = DEPMOD_OUTPUT_MAX,
    };
    struct process_result result;
    int rc = process_run(&spec, &result, err);
    if (rc || result.exit_status == 0)
        return rc;
    return error_set(err, ERROR_DAMAGED, EIO, "depmod for the kernel %s ended with %s: %s", kernel,
                     process_describe(&result), buffer_string(&output));
}

/* What depmod wrote: regular files; links are what link_inputs() made. */
static int list_output(const struct root *root, const char *kernel, const char *folder,
                       struct strlist *names, struct error *err) {
    AUTO_STRLIST struct strlist all = {0};
    int rc = root_list(root, folder, &all, err);
    for (size_t i = 0; !rc && i < all.count; i++)
        if (depmod_is_index_file(all.items[i]) && strlist_add(names, all.items[i]))
            rc = error_oom(err, "listing depmod's files");
    if (!rc && !strlist_contains(names, "modules.dep.bin"))
        rc = error_set(err, ERROR_DAMAGED, ENOENT,
                       "depmod wrote no modules.dep.bin for the kernel %s: is it the real depmod?",
                       kernel);
    return rc;
}

int depmod_run(const struct root *root, const char *kernel, const char *staging, char **folder,
               struct strlist *names, struct error *err) {
    AUTO_STRLIST struct strlist argv = {0};
    AUTO_FREE char *depmod = NULL, *output = NULL;
    if (asprintf(&output, "%s/lib/modules/%s", staging, kernel) < 0)
        return error_oom(err, "preparing depmod");
    int rc = process_find("depmod", &depmod, err);
    if (!rc)
        rc = make_staging(root, kernel, staging, output, err);
    if (!rc)
        rc = make_arguments(root, depmod, kernel, staging, &argv, err);
    if (!rc)
        rc = execute(&argv, kernel, err);
    if (!rc)
        rc = list_output(root, kernel, output, names, err);
    if (!rc)
        *folder = STEAL(output);
    return rc;
}
