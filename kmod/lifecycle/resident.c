#include "kmod/lifecycle/resident.h"

#include "kmod/system/loaded_modules.h"

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

/* Modules that may be ours: nothing but their names is known of them. */
static int add_unknown(const struct facts *facts, struct residents *residents) {
    if (loaded_modules_tell_build_ids(&residents->loaded))
        return 0;
    int rc = 0;
    for (size_t i = 0; !rc && i < facts->module_count; i++)
        if (loaded_modules_find(&residents->loaded, facts->modules[i].name))
            rc = strlist_addf(&residents->busy,
                              "%s (whose build it is can't be told: /sys/module shows no build id)",
                              facts->modules[i].name);
    return rc;
}

/* A tree that is not the running system's own has nothing loaded. */
static int read_residents(const struct root *root, const struct facts *facts,
                          struct residents *residents, struct error *err) {
    if (!root->is_host)
        return 0;
    for (size_t i = 0; i < facts->module_count; i++)
        if (strlist_add(&residents->ours, facts->modules[i].build_id))
            return error_oom(err, "looking for loaded modules");
    int rc = loaded_modules_read(root, &residents->loaded, err);
    if (!rc && add_unknown(facts, residents))
        rc = error_oom(err, "looking for loaded modules");
    return rc;
}

bool resident_any(const struct root *root, const struct facts *facts) {
    AUTO(release) struct residents residents = {0};
    struct error ignored = {0};
    if (read_residents(root, facts, &residents, &ignored) || residents.busy.count)
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

int resident_peek(const struct root *root, const struct facts *facts, struct error *err) {
    AUTO(release) struct residents residents = {0};
    int rc = read_residents(root, facts, &residents, err);
    if (!rc)
        rc = loaded_modules_peek(&residents.loaded, &residents.ours, &residents.busy, err);
    return rc ? rc
              : report_busy(&residents.busy,
                            "modules of the bake are in use, nothing was changed; stop what uses "
                            "them, or --force-files",
                            err);
}

int resident_unload(const struct root *root, const struct facts *facts, struct error *err) {
    AUTO(release) struct residents residents = {0};
    AUTO_STRLIST struct strlist unloaded = {0};
    int rc = read_residents(root, facts, &residents, err);
    if (!rc)
        rc = loaded_modules_unload(&residents.loaded, &residents.ours, loaded_modules_remove, NULL,
                                   &unloaded, &residents.busy, err);
    return rc ? rc : report_busy(&residents.busy, "modules of the bake stay loaded", err);
}
