#include "kmod/lifecycle/audit_privileges.h"

#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/tree.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/replica.h"

#define LEGACY_HELPER "/usr/bin/nvidia-modprobe"

/* "setuid", "setgid", "a file capability"; NULL for a file without. */
static const char *privilege(int parent, const char *name, const struct stat *st) {
    if (!S_ISREG(st->st_mode))
        return NULL;
    if (st->st_mode & REPLICA_PRIVILEGED)
        return st->st_mode & S_ISUID ? "setuid" : "setgid";
    AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    return fd >= 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0 ? "a file capability"
                                                                        : NULL;
}

static int privilege_at(const struct root *root, const char *path, const char **what,
                        struct error *err) {
    AUTO_CLOSE int parent = -1;
    const char *name;
    struct stat st;
    *what = NULL;
    if (root_stat(root, path, &st))
        return 0;
    int rc = root_open_parent(root, path, &parent, &name, err);
    if (!rc)
        *what = privilege(parent, name, &st);
    return rc;
}

static int check_places(const struct audit_subject *subject, const char *check, struct error *err) {
    for (size_t i = 0; i < subject->manifest.count; i++) {
        const struct manifest_entry *entry = &subject->manifest.entries[i];
        const char *what = NULL;
        if (entry->type != MANIFEST_FILE || subject->places[i] != OWNERSHIP_OURS)
            continue;
        int rc = privilege_at(subject->root, entry->path, &what, err);
        if (rc)
            return rc;
        if (what)
            audit_report_add(subject->report, check, audit_subject_weight(subject), entry->path,
                             "%s", what);
    }
    return 0;
}

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    const struct audit_subject *subject = context;
    const char *what = privilege(entry->parent, entry->name, entry->st);
    AUTO_FREE char *path = NULL;
    if (!what)
        return 0;
    if (asprintf(&path, STATE_FOLDER "/%s", entry->path) < 0)
        return error_oom(err, "auditing");
    audit_report_add(subject->report, "privileged", AUDIT_MISFIT, path, "%s in the private store",
                     what);
    return 0;
}

/* Without a bake there is no store of ours; a well-known helper is worth a word. */
static int check_legacy(const struct audit_subject *subject, const char *check, struct error *err) {
    const char *what = NULL;
    int rc = privilege_at(subject->root, LEGACY_HELPER, &what, err);
    if (!rc && what)
        audit_report_add(subject->report, check, AUDIT_FOREIGN, LEGACY_HELPER, "%s", what);
    return rc;
}

int audit_privileges_check(struct audit_subject *subject, const char *check, struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc =
        subject->has_bake ? check_places(subject, check, err) : check_legacy(subject, check, err);
    if (rc || !subject->has_folder)
        return rc;
    rc = root_open_dir(subject->root, STATE_FOLDER, &fd, err);
    return rc ? rc : tree_walk(fd, STATE_FOLDER, visit, subject, err);
}
