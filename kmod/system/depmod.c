#include "kmod/system/depmod.h"

#include <string.h>

#include "base/file.h"
#include "base/process.h"
#include "base/tree.h"
#include "kmod/system/depmod_staging.h"

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

/* What depmod wrote: of what was linked nothing has such a name. */
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

int depmod_run_without(const struct root *root, const char *kernel, const char *staging,
                       const struct strlist *without, char **folder, struct strlist *names,
                       struct error *err) {
    AUTO_STRLIST struct strlist argv = {0};
    AUTO_FREE char *depmod = NULL, *output = NULL;
    if (asprintf(&output, "%s/lib/modules/%s", staging, kernel) < 0)
        return error_oom(err, "preparing depmod");
    int rc = process_find("depmod", &depmod, err);
    if (!rc)
        rc = depmod_staging_make(root, kernel, staging, without, err);
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

int depmod_run(const struct root *root, const char *kernel, const char *staging, char **folder,
               struct strlist *names, struct error *err) {
    return depmod_run_without(root, kernel, staging, NULL, folder, names, err);
}
