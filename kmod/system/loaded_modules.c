#include "kmod/system/loaded_modules.h"

#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/file.h"
#include "kmod/system/build_id_note.h"
#include "kmod/system/path_component.h"

#define PROC_MODULES "/proc/modules"
#define PROC_MODULES_MAX (4U << 20)

static int bad_line(struct error *err, const char *line) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s has a line that is no module: %.80s",
                     PROC_MODULES, line);
}

/* Of a module that goes away meanwhile sysfs says either. */
static bool is_gone(int rc) {
    return rc == -ENOENT || rc == -ENODEV;
}

static int read_build_id(const struct root *root, const char *name, char **build_id,
                         struct error *err) {
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "/sys/module/%s/notes/.note.gnu.build-id", name) < 0)
        return error_oom(err, "reading a build id");
    AUTO_BUFFER struct buffer note = {0};
    struct error reason = {0};
    int rc = root_exists(root, path) ? file_read(root, path, BUILD_ID_NOTE_MAX, &note, &reason) : 0;
    if (rc && !is_gone(rc)) {
        if (err)
            *err = reason;
        return rc;
    }
    *build_id = build_id_note_hex(note.data, note.size);
    return *build_id ? 0 : error_oom(err, "reading a build id");
}

static int read_holders(const struct root *root, const char *name, struct strlist *holders,
                        struct error *err) {
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "/sys/module/%s/holders", name) < 0)
        return error_oom(err, "reading a module's holders");
    return root_list(root, path, holders, err);
}

static void release_module(struct loaded_module *module) {
    free(module->name);
    free(module->build_id);
    strlist_release(&module->holders);
}

/* The list owns the entry at once, filled or not. */
static struct loaded_module *add_module(struct loaded_modules *list, const char *name) {
    struct loaded_module *items = reallocarray(list->items, list->count + 1, sizeof *items);
    if (!items)
        return NULL;
    list->items = items;
    struct loaded_module *module = &items[list->count++];
    *module = (struct loaded_module){.name = strdup(name)};
    return module->name ? module : NULL;
}

/*
 *     nvidia 56635392 2 nvidia_uvm,nvidia_modeset, Live 0xffffffffc0a00000 (POE)
 *     name   size     references, users, state, …
 *
 * References are "-" in a kernel that can't unload, users end with "[permanent]," for a module that
 * has no exit function.
 */
static int read_line(const struct root *root, char *line, struct loaded_modules *list,
                     struct error *err) {
    char *rest = line;
    const char *name = strsep(&rest, " "), *size = strsep(&rest, " ");
    const char *references = strsep(&rest, " "), *users = strsep(&rest, " ");
    if (!size || !references || path_component_check(name, "module name", NULL))
        return bad_line(err, line);
    char *end;
    unsigned long count = strtoul(references, &end, 10);
    bool cannot_unload = !strcmp(references, "-");
    if (!cannot_unload && (end == references || *end))
        return bad_line(err, line);
    struct loaded_module *module = add_module(list, name);
    if (!module)
        return error_oom(err, "listing loaded modules");
    module->references = count;
    module->permanent = cannot_unload || (users && strstr(users, "[permanent]"));
    int rc = read_build_id(root, name, &module->build_id, err);
    return rc ? rc : read_holders(root, name, &module->holders, err);
}

int loaded_modules_read(const struct root *root, struct loaded_modules *list, struct error *err) {
    *list = (struct loaded_modules){0};
    if (!root_exists(root, PROC_MODULES))
        return 0;
    AUTO_BUFFER struct buffer text = {0};
    int rc = file_read(root, PROC_MODULES, PROC_MODULES_MAX, &text, err);
    char *rest = (char *)text.data;
    for (char *line; !rc && rest && (line = strsep(&rest, "\n"));)
        if (*line)
            rc = read_line(root, line, list, err);
    if (rc)
        loaded_modules_release(list);
    return rc;
}

void loaded_modules_release(struct loaded_modules *list) {
    for (size_t i = 0; i < list->count; i++)
        release_module(&list->items[i]);
    free(list->items);
    *list = (struct loaded_modules){0};
}

const struct loaded_module *loaded_modules_find(const struct loaded_modules *list,
                                                const char *name) {
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i].name, name))
            return &list->items[i];
    return NULL;
}

const struct loaded_module *loaded_modules_find_by_build_id(const struct loaded_modules *list,
                                                            const char *build_id) {
    for (size_t i = 0; *build_id && i < list->count; i++)
        if (!strcmp(list->items[i].build_id, build_id))
            return &list->items[i];
    return NULL;
}

bool loaded_modules_tell_build_ids(const struct loaded_modules *list) {
    for (size_t i = 0; i < list->count; i++)
        if (*list->items[i].build_id)
            return true;
    return false;
}

enum fate { UNSEEN, WALKING, GONE, STAYS };

struct unloading {
    const struct loaded_modules *list;
    const struct strlist *ours;
    loaded_modules_remover remover; /* NULL to look only */
    void *context;
    enum fate *fates; /* one for each of list->items */
    struct strlist *unloaded;
    struct strlist *busy;
};

static bool is_ours(const struct unloading *walk, const struct loaded_module *module) {
    return *module->build_id && strlist_contains(walk->ours, module->build_id);
}

/* What the kernel says, or in a mere look what the counts say. NULL: it is gone. */
static const char *try_remove(const struct unloading *walk, const struct loaded_module *module,
                              bool *went) {
    static const char in_use[] = "in use";
    if (module->permanent)
        return "the kernel never unloads it";
    if (!walk->remover)
        return module->references > module->holders.count ? in_use : NULL;
    int rc = walk->remover(walk->context, module->name);
    *went = rc == 0;
    if (rc == 0 || rc == -ENOENT)
        return NULL;
    return rc == -EAGAIN || rc == -EBUSY ? in_use : strerror(-rc);
}

static int visit(struct unloading *walk, const struct loaded_module *module);

/* Lets the holders go first. `blocker` is the one that stays, NULL when none does. */
static int visit_holders(struct unloading *walk, const struct loaded_module *module,
                         const char **blocker) {
    int rc = 0;
    *blocker = NULL;
    for (size_t i = 0; !rc && i < module->holders.count; i++) {
        const struct loaded_module *holder =
            loaded_modules_find(walk->list, module->holders.items[i]);
        if (holder && is_ours(walk, holder))
            rc = visit(walk, holder);
        if (holder && walk->fates[holder - walk->list->items] != GONE)
            *blocker = holder->name;
    }
    return rc;
}

static int visit(struct unloading *walk, const struct loaded_module *module) {
    enum fate *fate = &walk->fates[module - walk->list->items];
    if (*fate != UNSEEN)
        return 0;
    *fate = WALKING;
    const char *blocker;
    int rc = visit_holders(walk, module, &blocker);
    if (rc)
        return rc;
    bool went = false;
    const char *reason = blocker ? NULL : try_remove(walk, module, &went);
    *fate = blocker || reason ? STAYS : GONE;
    if (blocker)
        return strlist_addf(walk->busy, "%s (held by %s)", module->name, blocker);
    if (reason)
        return strlist_addf(walk->busy, "%s (%s)", module->name, reason);
    return went ? strlist_add(walk->unloaded, module->name) : 0;
}

static int visit_all(struct unloading *walk, struct error *err) {
    AUTO_FREE enum fate *fates = calloc(walk->list->count + 1, sizeof *fates);
    walk->fates = fates;
    int rc = fates ? 0 : -ENOMEM;
    for (size_t i = 0; !rc && i < walk->list->count; i++)
        if (is_ours(walk, &walk->list->items[i]))
            rc = visit(walk, &walk->list->items[i]);
    return rc ? error_oom(err, "unloading modules") : 0;
}

int loaded_modules_peek(const struct loaded_modules *list, const struct strlist *ours,
                        struct strlist *busy, struct error *err) {
    struct unloading walk = {.list = list, .ours = ours, .busy = busy};
    return visit_all(&walk, err);
}

int loaded_modules_remove(void *context, const char *name) {
    (void)context;
    return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

int loaded_modules_unload(const struct loaded_modules *list, const struct strlist *ours,
                          loaded_modules_remover remover, void *context, struct strlist *unloaded,
                          struct strlist *busy, struct error *err) {
    struct unloading walk = {
        .list = list,
        .ours = ours,
        .remover = remover,
        .context = context,
        .unloaded = unloaded,
        .busy = busy,
    };
    return visit_all(&walk, err);
}
