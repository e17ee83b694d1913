#include "builder/read_back.h"

#include <fcntl.h>
#include <libkmod.h>
#include <string.h>

#include "base/file.h"
#include "base/temporary.h"
#include "kmod/module/module_file.h"

int read_back_write(const char *path, const struct buffer *content, struct error *err) {
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -errno : file_write_all(fd, content->data, content->size);
    return rc ? error_io(err, -rc, "can't write %s", path) : 0;
}

static void cleanup_context(struct kmod_ctx **context) {
    kmod_unref(*context);
}

static void cleanup_module(struct kmod_module **module) {
    kmod_module_unref(*module);
}

static void cleanup_info(struct kmod_list **list) {
    kmod_module_info_free_list(*list);
}

/* What libkmod says the module's name is; 1 when it can't read the file at all. */
static int kmod_name(const char *path, char *name, size_t size) {
    static const char *const no_configuration[] = {NULL};
    AUTO(cleanup_context) struct kmod_ctx *context = kmod_new("/nonexistent", no_configuration);
    AUTO(cleanup_module) struct kmod_module *module = NULL;
    AUTO(cleanup_info) struct kmod_list *info = NULL;
    if (!context)
        return -ENOMEM;
    kmod_set_log_priority(context, -1);
    if (kmod_module_new_from_path(context, path, &module) < 0 ||
        kmod_module_get_info(module, &info) < 0)
        return 1;
    name[0] = '\0';
    struct kmod_list *item;
    kmod_list_foreach(item, info) {
        if (!strcmp(kmod_module_info_get_key(item), "name"))
            snprintf(name, size, "%s", kmod_module_info_get_value(item));
    }
    return 0;
}

static int damaged(struct error *err, const char *file_name, const char *why) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s: what was written does not read back: %s",
                     file_name, why);
}

static int check_kmod(const char *path, const char *file_name, enum compression compression,
                      const char *module_name, struct error *err) {
    char name[256];
    int rc = kmod_name(path, name, sizeof name);
    if (rc < 0)
        return error_oom(err, "reading a module back");
    /* Debian's libkmod is built without zlib: a .ko.gz is then proven by unpacking it only. */
    if (rc > 0 && compression == COMPRESSION_GZIP)
        return 0;
    if (rc > 0)
        return damaged(err, file_name, "libkmod can't read it");
    return strcmp(name, module_name) ? damaged(err, file_name, "libkmod finds another name") : 0;
}

int read_back_check(const char *file_name, const struct buffer *packed, const struct buffer *plain,
                    const char *module_name, struct error *err) {
    AUTO_TEMPORARY struct temporary folder = {0};
    AUTO_FREE char *path = NULL;
    int rc = temporary_make(NULL, &folder, err);
    if (rc)
        return rc;
    if (asprintf(&path, "%s/%s", folder.path, file_name) < 0)
        return error_oom(err, "reading a module back");
    rc = read_back_write(path, packed, err);
    AUTO_MODULE_FILE struct module_file file = {0};
    if (!rc)
        rc = module_file_read(path, &file, err);
    if (!rc &&
        (file.content.size != plain->size || memcmp(file.content.data, plain->data, plain->size)))
        rc = damaged(err, file_name, "its content is another");
    return rc ? rc : check_kmod(path, file_name, file.compression, module_name, err);
}
