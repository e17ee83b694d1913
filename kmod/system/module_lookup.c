#include "kmod/system/module_lookup.h"

#include <libkmod.h>
#include <string.h>

static void cleanup_context(struct kmod_ctx **context) {
    kmod_unref(*context);
}

static void ignore_message(void *data, int priority, const char *file, int line, const char *fn,
                           const char *format, va_list args) {
    (void)data, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

/* libkmod names a file by the folder it was given and the path in the index. */
static int first_path(const struct root *root, const struct kmod_list *found, char **path) {
    const struct kmod_list *item;
    int rc = 0;
    kmod_list_foreach(item, found) {
        struct kmod_module *module = kmod_module_get_module(item);
        const char *host = kmod_module_get_path(module);
        if (host && !*path && !(*path = strdup(host + strlen(root->path))))
            rc = -ENOMEM;
        kmod_module_unref(module);
    }
    return rc;
}

int module_lookup_path(const struct root *root, const char *kernel, const char *name, char **path,
                       struct error *err) {
    static const char *const no_configuration[] = {NULL};
    AUTO_FREE char *folder = NULL;
    *path = NULL;
    if (asprintf(&folder, "%s/lib/modules/%s", root->path, kernel) < 0)
        return error_oom(err, "looking a module up");
    /* The root's blacklists don't matter here, and this machine's must not. */
    AUTO(cleanup_context) struct kmod_ctx *context = kmod_new(folder, no_configuration);
    if (!context)
        return error_oom(err, "looking a module up");
    kmod_set_log_fn(context, ignore_message, NULL);
    struct kmod_list *found = NULL;
    /* A missing or unreadable index resolves nothing. */
    (void)kmod_module_new_from_lookup(context, name, &found);
    int rc = first_path(root, found, path);
    kmod_module_unref_list(found);
    return rc ? error_oom(err, "looking a module up") : 0;
}

int module_lookup_resolves(const struct root *root, const char *kernel, const char *name,
                           bool *resolves, struct error *err) {
    AUTO_FREE char *path = NULL;
    int rc = module_lookup_path(root, kernel, name, &path, err);
    *resolves = path != NULL;
    return rc;
}
