#include "kmod/lifecycle/resident.h"

#include <string.h>

#include "base/file.h"
#include "kmod/system/loaded_modules.h"

#define SYSFS_VERSION_MAX 4096

struct residents {
    struct loaded_modules loaded;
    struct strlist ours; /* build ids */
    struct strlist busy; /* what can't go, and why */
};

static void release(struct residents *residents) {
    loaded_modules_release(&residents->loaded);
    strlist_release(&residents->ours);
    strlist_release(&residents->busy);
}

/* What the loaded module of that name says of its version. */
static bool has_version(const struct root *root, const char *name, const char *version) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_FREE char *path = NULL;
    size_t length = strlen(version);
    return asprintf(&path, "/sys/module/%s/version", name) >= 0 &&
           file_read(root, path, SYSFS_VERSION_MAX, &text, NULL) == 0 && text.size >= length &&
           !memcmp(text.data, version, length) &&
           (text.size == length || text.data[length] == '\n');
}

/* Whether a loaded module can't be told from this one. */
static bool is_doubtful(const struct root *root, const struct residents *residents,
                        const struct known_module *module, const char *version) {
    const struct loaded_module *loaded = loaded_modules_find(&residents->loaded, module->name);
    if (!loaded || !loaded_modules_tell_build_ids(&residents->loaded))
        return loaded != NULL;
    return !*module->build_id && !strlist_contains(&residents->ours, loaded->build_id) &&
           has_version(root, module->name, version);
}

static int add_doubtful(const struct root *root, const struct known_modules *modules,
                        struct residents *residents) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < modules->count; i++)
        if (!strlist_contains(&names, modules->items[i].name) &&
            is_doubtful(root, residents, &modules->items[i], modules->version))
            rc = strlist_add(&names, modules->items[i].name);
    for (size_t i = 0; !rc && i < names.count; i++)
        rc = strlist_addf(&residents->busy,
                          "%s (no build id tells whether it is the bake's or a customer's)",
                          names.items[i]);
    return rc;
}

/* A tree that is not the running system's own has nothing loaded. */
static int read_residents(const struct root *root, const struct known_modules *modules,
                          struct residents *residents, struct error *err) {
    if (!root->is_host)
        return 0;
    for (size_t i = 0; i < modules->count; i++)
        if (strlist_add(&residents->ours, modules->items[i].build_id))
            return error_oom(err, "looking for loaded modules");
    int rc = loaded_modules_read(root, &residents->loaded, err);
    if (!rc && add_doubtful(root, modules, residents))
        rc = error_oom(err, "looking for loaded modules");
    return rc;
}

bool resident_any(const struct root *root, const struct known_modules *modules) {
    AUTO(release) struct residents residents = {0};
    struct error ignored = {0};
    if (read_residents(root, modules, &residents, &ignored) || residents.busy.count)
        return true;
    for (size_t i = 0; i < residents.ours.count; i++)
        if (loaded_modules_find_by_build_id(&residents.loaded, residents.ours.items[i]))
            return true;
    return false;
}

static int report_busy(const struct strlist *busy, const char *what, struct error *err) {
    if (busy->count == 0)
        return 0;
    AUTO_FREE char *names = strlist_join(busy, ", ");
    return error_set(err, ERROR_BUSY, EBUSY, "%s: %s", what, names ? names : busy->items[0]);
}

int resident_peek(const struct root *root, const struct known_modules *modules, struct error *err) {
    AUTO(release) struct residents residents = {0};
    int rc = read_residents(root, modules, &residents, err);
    if (!rc)
        rc = loaded_modules_peek(&residents.loaded, &residents.ours, &residents.busy, err);
    return rc ? rc
              : report_busy(&residents.busy,
                            "modules of the bake are in use, nothing was changed; stop what uses "
                            "them, or --force-files",
                            err);
}

int resident_unload(const struct root *root, const struct known_modules *modules,
                    struct error *err) {
    AUTO(release) struct residents residents = {0};
    AUTO_STRLIST struct strlist unloaded = {0};
    int rc = read_residents(root, modules, &residents, err);
    if (!rc)
        rc = loaded_modules_unload(&residents.loaded, &residents.ours, loaded_modules_remove, NULL,
                                   &unloaded, &residents.busy, err);
    return rc ? rc : report_busy(&residents.busy, "modules of the bake stay loaded", err);
}
