#include "kmod/system/module_lookup.h"

#include <libkmod.h>

static void cleanup_context(struct kmod_ctx **context) {
    kmod_unref(*context);
}

static void ignore_message(void *data, int priority, const char *file, int line, const char *fn,
                           const char *format, va_list args) {
    (void)data, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

int module_lookup_resolves(const struct root *root, const char *kernel, const char *name,
                           bool *resolves, struct error *err) {
    static const char *const no_configuration[] = {NULL};
    AUTO_FREE char *folder = NULL;
    if (asprintf(&folder, "%s/lib/modules/%s", root->path, kernel) < 0)
        return error_oom(err, "looking a module up");
    /* The root's blacklists don't matter here, and this machine's must not. */
    AUTO(cleanup_context) struct kmod_ctx *context = kmod_new(folder, no_configuration);
    if (!context)
        return error_oom(err, "looking a module up");
    kmod_set_log_fn(context, ignore_message, NULL);
    struct kmod_list *found = NULL;
    int rc = kmod_module_new_from_lookup(context, name, &found);
    *resolves = false;
    struct kmod_list *item;
    kmod_list_foreach(item, found) {
        struct kmod_module *module = kmod_module_get_module(item);
        if (kmod_module_get_path(module))
            *resolves = true;
        kmod_module_unref(module);
    }
    kmod_module_unref_list(found);
    /* A missing or unreadable index resolves nothing. */
    (void)rc;
    return 0;
}
