#include "kmod/lifecycle/audit_reach.h"

#include <string.h>

#include "base/path.h"
#include "kmod/lifecycle/state_folder.h"

static const char auditing[] = "auditing";

/* The folder may be reached by a link itself: /var is one on some images. */
static bool leads_to(const struct root *root, const char *path, const char *store) {
    AUTO_FREE char *end = NULL;
    return root_follow(root, path, &end) == 0 && path_is_in(end, store);
}

static int find_store(const struct root *root, char **store, struct error *err) {
    return root_resolve(root, STATE_FOLDER, store, NULL, err);
}

bool audit_reach_store(const struct root *root, const char *path) {
    AUTO_FREE char *store = NULL;
    struct error ignored = {0};
    return find_store(root, &store, &ignored) == 0 && leads_to(root, path, store);
}

/* One audit of folders. */
struct reach {
    const struct audit_subject *subject;
    const char *check;
    char *store;
    struct strlist seen; /* what was looked at or reported */
};

static int mark_seen(struct reach *reach, const char *path, struct error *err) {
    return strlist_add(&reach->seen, path) ? error_oom(err, auditing) : 0;
}

static int report(struct reach *reach, const char *path, struct error *err) {
    if (strlist_contains(&reach->seen, path))
        return 0;
    audit_report_add(reach->subject->report, reach->check, AUDIT_MISFIT, path,
                     "it leads into the private store");
    return mark_seen(reach, path, err);
}

/* A link to its neighbour leads where that one does, which is looked at itself. */
static bool leaves_folder(int folder, const struct dirent *entry) {
    char target[PATH_MAX];
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return false;
    ssize_t size = readlinkat(folder, entry->d_name, target, sizeof target);
    return size > 0 && memchr(target, '/', (size_t)size);
}

static int check_link(struct reach *reach, const char *folder, const char *name,
                      struct error *err) {
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return error_oom(err, auditing);
    return leads_to(reach->subject->root, path, reach->store) ? report(reach, path, err) : 0;
}

static int check_links(struct reach *reach, const char *folder, struct error *err) {
    int fd = -1;
    int rc = root_open_dir(reach->subject->root, folder, &fd, err);
    if (rc)
        return rc;
    AUTO_CLOSEDIR DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return error_oom(err, auditing);
    }
    for (const struct dirent *entry; !rc && (errno = 0, entry = readdir(dir));)
        if (leaves_folder(fd, entry))
            rc = check_link(reach, folder, entry->d_name, err);
    if (!rc && errno)
        rc = error_io(err, errno, "can't read %s%s", reach->subject->root->path, folder);
    return rc;
}

static int check_folder(struct reach *reach, const char *folder, struct error *err) {
    const struct root *root = reach->subject->root;
    AUTO_FREE char *canonical = NULL;
    struct error ignored = {0};
    if (leads_to(root, folder, reach->store))
        return report(reach, folder, err);
    if (root_canonical(root, folder, &canonical, &ignored) ||
        strlist_contains(&reach->seen, canonical))
        return 0;
    int rc = mark_seen(reach, canonical, err);
    return rc ? rc : check_links(reach, canonical, err);
}

int audit_reach_folders(const struct audit_subject *subject, const char *check,
                        const struct strlist *folders, struct error *err) {
    struct reach reach = {.subject = subject, .check = check};
    int rc = find_store(subject->root, &reach.store, err);
    for (size_t i = 0; !rc && i < folders->count; i++)
        rc = check_folder(&reach, folders->items[i], err);
    strlist_release(&reach.seen);
    free(reach.store);
    return rc;
}
