#include "kmod/lifecycle/audit_reach.h"

#include <string.h>

#include "base/path.h"
#include "kmod/lifecycle/state_folder.h"

static const char auditing[] = "auditing";

/* The folder may be reached by a link itself: /var is one on some images. */
static bool leads_to(const struct root *root, const char *path, const char *store) {
    AUTO_FREE char *end = NULL;
    return root_follow(root, path, &end) == 0 && path_is_below(end, store);
}

static int find_store(const struct root *root, char **store, struct error *err) {
    return root_resolve(root, STATE_FOLDER, store, NULL, err);
}

bool audit_reach_store(const struct root *root, const char *path) {
    AUTO_FREE char *store = NULL;
    struct error ignored = {0};
    return find_store(root, &store, &ignored) == 0 && leads_to(root, path, store);
}

static int report(const struct audit_subject *subject, const char *check, const char *path) {
    audit_report_add(subject->report, check, AUDIT_MISFIT, path, "it leads into the private store");
    return 0;
}

/* A link to its neighbour leads where that one does, which is looked at itself. */
static bool leaves_folder(int folder, const struct dirent *entry) {
    char target[PATH_MAX];
    if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
        return false;
    ssize_t size = readlinkat(folder, entry->d_name, target, sizeof target);
    return size > 0 && memchr(target, '/', (size_t)size);
}

static int check_links(const struct audit_subject *subject, const char *check, const char *folder,
                       const char *store, struct error *err) {
    int fd = -1;
    int rc = root_open_dir(subject->root, folder, &fd, err);
    if (rc)
        return rc;
    AUTO_CLOSEDIR DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return error_oom(err, auditing);
    }
    for (const struct dirent *entry; !rc && (errno = 0, entry = readdir(dir));) {
        AUTO_FREE char *path = NULL;
        if (!leaves_folder(fd, entry))
            continue;
        if (asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
            rc = error_oom(err, auditing);
        else if (leads_to(subject->root, path, store))
            rc = report(subject, check, path);
        errno = 0;
    }
    if (!rc && errno)
        rc = error_io(err, errno, "can't read %s%s", subject->root->path, folder);
    return rc;
}

static int check_folder(const struct audit_subject *subject, const char *check, const char *folder,
                        const char *store, struct strlist *seen, struct error *err) {
    AUTO_FREE char *canonical = NULL;
    struct error ignored = {0};
    if (strlist_contains(seen, folder))
        return 0;
    if (leads_to(subject->root, folder, store)) {
        report(subject, check, folder);
        return strlist_add(seen, folder) ? error_oom(err, auditing) : 0;
    }
    if (root_canonical(subject->root, folder, &canonical, &ignored) ||
        strlist_contains(seen, canonical))
        return 0;
    if (strlist_add(seen, canonical))
        return error_oom(err, auditing);
    return check_links(subject, check, canonical, store, err);
}

int audit_reach_folders(const struct audit_subject *subject, const char *check,
                        const struct strlist *folders, struct error *err) {
    AUTO_STRLIST struct strlist seen = {0};
    AUTO_FREE char *store = NULL;
    int rc = find_store(subject->root, &store, err);
    for (size_t i = 0; !rc && i < folders->count; i++)
        rc = check_folder(subject, check, folders->items[i], store, &seen, err);
    return rc;
}
