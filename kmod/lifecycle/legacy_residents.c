#include "kmod/lifecycle/legacy_residents.h"

#include <string.h>

#include "base/file.h"
#include "base/keyvalue.h"
#include "kmod/lifecycle/legacy_modules.h"
#include "kmod/lifecycle/resident.h"
#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/trusted_file.h"
#include "kmod/system/module_build_id.h"

#define RECORD_SIZE_MAX (64 * 1024)
#define SYSFS_VERSION_MAX 4096

static bool is_known(const struct legacy_residents *residents, const char *build_id) {
    for (size_t i = 0; i < residents->known.module_count; i++)
        if (!strcmp(residents->known.modules[i].build_id, build_id))
            return true;
    return false;
}

static int add(struct legacy_residents *residents, const char *name, const char *build_id) {
    if (!*build_id)
        return strlist_contains(&residents->nameless, name)
                   ? 0
                   : strlist_add(&residents->nameless, name);
    if (is_known(residents, build_id))
        return 0;
    struct facts_module *module = facts_add_module(&residents->known);
    if (!module)
        return -ENOMEM;
    module->name = strdup(name);
    module->build_id = strdup(build_id);
    return module->name && module->build_id ? 0 : -ENOMEM;
}

static int add_file(const struct root *root, const char *path, struct legacy_residents *residents,
                    struct error *err) {
    AUTO_CLOSE int fd = -1;
    AUTO_FREE char *name = legacy_modules_name(path), *build_id = NULL;
    int rc = root_open_file(root, path, &fd, err);
    if (!rc)
        rc = module_build_id_read(fd, path, &build_id, err);
    if (rc)
        return rc;
    return name && !add(residents, name, build_id) ? 0 : error_oom(err, "looking at modules");
}

static int add_record(const struct root *root, struct legacy_residents *residents,
                      struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_KEYVALUE struct keyvalue lines = {0};
    int rc = trusted_file_read(root, LEGACY_RESIDENTS_RECORD, RECORD_SIZE_MAX, &text, err);
    if (rc == -ENOENT)
        return 0;
    if (!rc)
        rc = keyvalue_parse(buffer_string(&text), text.size, LEGACY_RESIDENTS_RECORD, false, &lines,
                            err);
    for (size_t i = 0; !rc && i < lines.keys.count; i++) {
        if (!safe_name(lines.keys.items[i]))
            rc =
                error_set(err, ERROR_DAMAGED, EBADMSG,
                          "%s" LEGACY_RESIDENTS_RECORD " has a line that is no module", root->path);
        else if (add(residents, lines.keys.items[i], lines.values.items[i]))
            rc = error_oom(err, "looking at modules");
    }
    return rc;
}

int legacy_residents_read(const struct root *root, const struct legacy_paths *paths,
                          struct legacy_residents *residents, struct error *err) {
    *residents = (struct legacy_residents){0};
    int rc = root->is_host ? add_record(root, residents, err) : 0;
    for (size_t i = 0; root->is_host && !rc && i < paths->count; i++)
        if (paths->items[i].class == LEGACY_MODULE && paths->items[i].ours)
            rc = add_file(root, paths->items[i].path, residents, err);
    if (rc)
        legacy_residents_release(residents);
    return rc;
}

int legacy_residents_write(const struct root *root, const struct legacy_residents *residents,
                           struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    const struct file_meta meta = FILE_META_DEFAULT;
    int rc = 0;
    for (size_t i = 0; !rc && i < residents->known.module_count; i++)
        rc = buffer_printf(&text, "%s=%s\n", residents->known.modules[i].name,
                           residents->known.modules[i].build_id);
    for (size_t i = 0; !rc && i < residents->nameless.count; i++)
        rc = buffer_printf(&text, "%s=\n", residents->nameless.items[i]);
    if (rc)
        return error_oom(err, "recording loaded modules");
    rc = root_make_dirs(root, STATE_FOLDER_STORE, 0700, NULL, err);
    return rc ? rc : file_publish(root, LEGACY_RESIDENTS_RECORD, text.data, text.size, &meta, err);
}

/* What the loaded module of that name says of its version. What can't be told counts as loaded. */
static bool is_loaded(const struct root *root, const char *name, const char *version) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_FREE char *path = NULL;
    size_t length = strlen(version);
    if (asprintf(&path, "/sys/module/%s/version", name) < 0)
        return true;
    if (!root_exists(root, path))
        return false;
    if (file_read(root, path, SYSFS_VERSION_MAX, &text, NULL))
        return true;
    return text.size >= length && !memcmp(text.data, version, length) &&
           (text.size == length || text.data[length] == '\n');
}

bool legacy_residents_any(const struct root *root, const char *version,
                          const struct legacy_residents *residents) {
    for (size_t i = 0; root->is_host && i < residents->nameless.count; i++)
        if (is_loaded(root, residents->nameless.items[i], version))
            return true;
    return resident_any(root, &residents->known);
}

void legacy_residents_release(struct legacy_residents *residents) {
    facts_release(&residents->known);
    strlist_release(&residents->nameless);
    *residents = (struct legacy_residents){0};
}
