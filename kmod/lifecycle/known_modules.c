#include "kmod/lifecycle/known_modules.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/keyvalue.h"
#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/trusted_file.h"
#include "kmod/system/module_build_id.h"
#include "kmod/system/module_name.h"

#define RECORD_SIZE_MAX (64 * 1024)

static bool has(const struct known_modules *modules, const char *name, const char *build_id) {
    for (size_t i = 0; i < modules->count; i++)
        if (!strcmp(modules->items[i].name, name) && !strcmp(modules->items[i].build_id, build_id))
            return true;
    return false;
}

static int add(struct known_modules *modules, const char *name, const char *build_id) {
    if (has(modules, name, build_id))
        return 0;
    struct known_module *items =
        reallocarray(modules->items, modules->count + 1, sizeof *modules->items);
    if (!items)
        return -ENOMEM;
    modules->items = items;
    struct known_module *module = &items[modules->count++];
    *module = (struct known_module){strdup(name), strdup(build_id)};
    return module->name && module->build_id ? 0 : -ENOMEM;
}

int known_modules_add_facts(struct known_modules *modules, const struct facts *facts,
                            struct error *err) {
    for (size_t i = 0; i < facts->module_count; i++) {
        const struct facts_module *module = &facts->modules[i];
        if (*module->name && add(modules, module->name, module->build_id))
            return error_oom(err, "looking at modules");
    }
    modules->lasting = modules->count;
    return 0;
}

int known_modules_add_file(struct known_modules *modules, const struct root *root, const char *path,
                           struct error *err) {
    AUTO_CLOSE int fd = -1;
    AUTO_FREE char *name = module_name_in_kernel(path), *build_id = NULL;
    int rc = root_open_file(root, path, &fd, err);
    if (!rc)
        rc = module_build_id_read(fd, path, &build_id, err);
    if (rc)
        return rc;
    return name && !add(modules, name, build_id) ? 0 : error_oom(err, "looking at modules");
}

static int parse(struct known_modules *modules, const struct root *root,
                 const struct keyvalue *lines, struct error *err) {
    for (size_t i = 0; i < lines->keys.count; i++) {
        if (!safe_name(lines->keys.items[i]))
            return error_set(err, ERROR_DAMAGED, EBADMSG,
                             "%s" KNOWN_MODULES_RECORD " has a line that is no module", root->path);
        if (add(modules, lines->keys.items[i], lines->values.items[i]))
            return error_oom(err, "looking at modules");
    }
    return 0;
}

int known_modules_read_record(struct known_modules *modules, const struct root *root,
                              struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_KEYVALUE struct keyvalue lines = {0};
    int rc = trusted_file_read(root, KNOWN_MODULES_RECORD, RECORD_SIZE_MAX, &text, err);
    if (rc == -ENOENT)
        return 0;
    if (!rc)
        rc = keyvalue_parse(buffer_string(&text), text.size, KNOWN_MODULES_RECORD, false, &lines,
                            err);
    return rc ? rc : parse(modules, root, &lines, err);
}

int known_modules_write_record(const struct known_modules *modules, const struct root *root,
                               struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    const struct file_meta meta = FILE_META_DEFAULT;
    if (modules->count == modules->lasting)
        return 0;
    for (size_t i = modules->lasting; i < modules->count; i++)
        if (buffer_printf(&text, "%s=%s\n", modules->items[i].name, modules->items[i].build_id))
            return error_oom(err, "recording loaded modules");
    int rc = root_make_dirs(root, STATE_FOLDER_STORE, 0700, NULL, err);
    return rc ? rc : file_publish(root, KNOWN_MODULES_RECORD, text.data, text.size, &meta, err);
}

void known_modules_release(struct known_modules *modules) {
    for (size_t i = 0; i < modules->count; i++) {
        free(modules->items[i].name);
        free(modules->items[i].build_id);
    }
    free(modules->items);
    *modules = (struct known_modules){0};
}
