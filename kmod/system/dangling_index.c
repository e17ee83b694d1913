#include "kmod/system/dangling_index.h"

#include <fcntl.h>
#include <libkmod.h>
#include <stdarg.h>
#include <string.h>

static const char reading[] = "reading a module index";

static void cleanup_context(struct kmod_ctx **context) {
    kmod_unref(*context);
}

static void cleanup_module(struct kmod_module **module) {
    kmod_module_unref(*module);
}

static void ignore_message(void *data, int priority, const char *file, int line, const char *fn,
                           const char *format, va_list args) {
    (void)data, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

/* Adds the file that the index has for the module, when it is not there. */
static int look_up(struct kmod_ctx *context, int kernel_dir, const char *host_folder,
                   const struct module_table_entry *module, const char *folder,
                   struct strlist *gone) {
    AUTO_FREE char *name = strndup(module->file, module->stem);
    AUTO(cleanup_module) struct kmod_module *found = NULL;
    struct stat st;
    if (!name)
        return -ENOMEM;
    if (kmod_module_new_from_name(context, name, &found))
        return 0;
    const char *path = kmod_module_get_path(found);
    size_t length = strlen(host_folder);
    if (!path || strncmp(path, host_folder, length) || path[length] != '/')
        return 0;
    const char *below = path + length + 1;
    bool is_gone = fstatat(kernel_dir, below, &st, 0) && errno == ENOENT;
    return is_gone ? strlist_addf(gone, "%s/%s", folder, below) : 0;
}

int dangling_index_list(const struct root *root, const char *kernel,
                        const struct module_table *modules, struct strlist *gone,
                        struct error *err) {
    static const char *const no_configuration[] = {NULL};
    AUTO_FREE char *folder = NULL, *host_folder = NULL, *index = NULL;
    AUTO_CLOSE int kernel_dir = -1;
    if (asprintf(&folder, "/lib/modules/%s", kernel) < 0 ||
        asprintf(&index, "%s/modules.dep.bin", folder) < 0 ||
        !(host_folder = root_host_path(root, folder)))
        return error_oom(err, reading);
    if (modules->count == 0 || !root_exists(root, index))
        return 0;
    int rc = root_open_dir(root, folder, &kernel_dir, err);
    if (rc)
        return rc;
    AUTO(cleanup_context) struct kmod_ctx *context = kmod_new(host_folder, no_configuration);
    if (!context)
        return error_oom(err, reading);
    kmod_set_log_fn(context, ignore_message, NULL);
    /* Only to be quicker: without it each look-up opens the index. */
    kmod_load_resources(context);
    for (size_t i = 0; i < modules->count; i++)
        if (look_up(context, kernel_dir, host_folder, &modules->entries[i], folder, gone))
            return error_oom(err, reading);
    return 0;
}
