#include "kmod/system/depmod.h"

#include <string.h>

#include "base/file.h"
#include "base/process.h"

#define WORDS_MAX (64 << 10)
#define WORDS_SHOWN 512 /* in an error's sentence */

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
    return file_remove_tree(root, staging, err);
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
    for (size_t i = 0; !rc && i < ARRAY_SIZE(CONFIGURATION); i++)
        if (root_is_directory(root, CONFIGURATION[i]))
            rc = add_configuration(argv, root, CONFIGURATION[i], err);
    if (!rc && strlist_add(argv, kernel))
        rc = error_oom(err, "preparing depmod");
    return rc;
}

/* The words that matter come after warnings about single modules. */
static int failed(const char *kernel, const char *how, struct buffer *words, struct error *err) {
    const char *text = buffer_string(words);
    const char *reason = strstr(text, "ERROR");
    bool full = strstr(text, "No space left on device") != NULL;
    return error_set(err, full ? ERROR_NO_SPACE : ERROR_DAMAGED, full ? ENOSPC : EIO,
                     "depmod for the kernel %s %s: %.*s", kernel, how, WORDS_SHOWN,
                     reason ? reason : text);
}

static int execute(const struct strlist *argv, const char *kernel, struct buffer *words,
                   struct error *err) {
    struct process_spec spec = {
        .argv = (const char *const *)argv->items,
        .output = words,
        .output_max = WORDS_MAX,
    };
    struct process_result result;
    int rc = process_run(&spec, &result, err);
    if (rc || result.exit_status == 0)
        return rc;
    return failed(kernel, process_describe(&result), words, err);
}

/*
 * depmod goes on, and ends with 0, when it can't create one of its files; it only says so. These
 * are written by depmods of all ages.
 */
static int check_output(const char *kernel, const struct strlist *names, struct buffer *words,
                        struct error *err) {
    static const char *const always[] = {
        "modules.alias",   "modules.alias.bin", "modules.dep",     "modules.dep.bin",
        "modules.devname", "modules.softdep",   "modules.symbols", "modules.symbols.bin",
    };
    for (size_t i = 0; i < ARRAY_SIZE(always); i++)
        if (!strlist_contains(names, always[i]))
            return failed(kernel, "did not write all its files", words, err);
    return strstr(buffer_string(words), "ERROR: openat(")
               ? failed(kernel, "could not create a file", words, err)
               : 0;
}

/* What depmod wrote: of what was linked nothing has such a name. */
static int list_output(const struct root *root, const char *folder, struct strlist *names,
                       struct error *err) {
    AUTO_STRLIST struct strlist all = {0};
    int rc = root_list(root, folder, &all, err);
    for (size_t i = 0; !rc && i < all.count; i++)
        if (depmod_is_index_file(all.items[i]) && strlist_add(names, all.items[i]))
            rc = error_oom(err, "listing depmod's files");
    return rc;
}

int depmod_run_view(const struct root *root, const char *kernel, const char *staging,
                    const struct depmod_view *view, char **folder, struct strlist *names,
                    struct error *err) {
    AUTO_STRLIST struct strlist argv = {0};
    AUTO_FREE char *depmod = NULL, *output = NULL;
    AUTO_BUFFER struct buffer words = {0};
    if (asprintf(&output, "%s/lib/modules/%s", staging, kernel) < 0)
        return error_oom(err, "preparing depmod");
    int rc = process_find("depmod", &depmod, err);
    if (!rc)
        rc = depmod_staging_make(root, kernel, staging, view, err);
    if (!rc)
        rc = make_arguments(root, depmod, kernel, staging, &argv, err);
    if (!rc)
        rc = execute(&argv, kernel, &words, err);
    if (!rc)
        rc = list_output(root, output, names, err);
    if (!rc)
        rc = check_output(kernel, names, &words, err);
    if (!rc)
        *folder = STEAL(output);
    return rc;
}

int depmod_run(const struct root *root, const char *kernel, const char *staging, char **folder,
               struct strlist *names, struct error *err) {
    return depmod_run_view(root, kernel, staging, NULL, folder, names, err);
}
