#include "kmod/system/module_version.h"

#include <libkmod.h>
#include <string.h>

static void cleanup_context(struct kmod_ctx **context) {
    kmod_unref(*context);
}

static void cleanup_module(struct kmod_module **module) {
    kmod_module_unref(*module);
}

static void cleanup_info(struct kmod_list **list) {
    kmod_module_info_free_list(*list);
}

static void ignore_message(void *data, int priority, const char *file, int line, const char *fn,
                           const char *format, va_list args) {
    (void)data, (void)priority, (void)file, (void)line, (void)fn, (void)format, (void)args;
}

/* The file is the matter, not the reading of it. */
static bool is_unreadable_module(int rc) {
    return rc == -ENOEXEC || rc == -EINVAL || rc == -ENODATA || rc == -ENOSYS || rc == -ENOTSUP;
}

static const char *value_of(const struct kmod_list *list, const char *key) {
    const struct kmod_list *item;
    kmod_list_foreach(item, list) {
        if (!strcmp(kmod_module_info_get_key(item), key))
            return kmod_module_info_get_value(item);
    }
    return NULL;
}

static int read_info(struct kmod_module *module, const char *path, char **version,
                     struct error *err) {
    AUTO(cleanup_info) struct kmod_list *list = NULL;
    int rc = kmod_module_get_info(module, &list);
    if (rc < 0 && !is_unreadable_module(rc))
        return error_io(err, -rc, "can't read the module %s", path);
    const char *value = rc < 0 ? NULL : value_of(list, "version");
    *version = strdup(value ? value : "");
    return *version ? 0 : error_oom(err, "reading a module");
}

int module_version_read(const struct root *root, const char *path, char **version,
                        struct error *err) {
    static const char *const no_configuration[] = {NULL};
    AUTO_FREE char *host = root_host_path(root, path);
    if (!host)
        return error_oom(err, "reading a module");
    /* A context of its own: libkmod knows two files of one name in one context as the same. */
    AUTO(cleanup_context) struct kmod_ctx *context = kmod_new("/", no_configuration);
    if (!context)
        return error_oom(err, "reading a module");
    kmod_set_log_fn(context, ignore_message, NULL);
    AUTO(cleanup_module) struct kmod_module *module = NULL;
    int rc = kmod_module_new_from_path(context, host, &module);
    if (rc < 0)
        return error_io(err, -rc, "can't read the module %s", host);
    return read_info(module, host, version, err);
}
