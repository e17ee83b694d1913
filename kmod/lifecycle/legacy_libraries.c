#include "kmod/lifecycle/legacy_libraries.h"

#include <stdbool.h>
#include <string.h>

#include "base/tree.h"
#include "kmod/system/same_content.h"
#include "kmod/system/version_proof.h"

#define INSTALLED LEGACY_LIBRARIES "/lib64/" /* what stood in the system's folder */

/* Where the installer meant a library of the folder to be; *meant stays NULL for none. */
static int system_path(const char *machine, const char *path, char **meant, struct error *err) {
    *meant = NULL;
    if (!*machine || strncmp(path, INSTALLED, strlen(INSTALLED)) != 0)
        return 0;
    if (asprintf(meant, "/usr/lib/%s-linux-gnu/%s", machine, path + strlen(INSTALLED)) >= 0)
        return 0;
    *meant = NULL;
    return error_oom(err, "listing libraries");
}

static int collect_entry(void *context, const struct tree_entry *entry, struct error *err) {
    AUTO_FREE char *path = NULL;
    enum legacy_class class = S_ISDIR(entry->st->st_mode) ? LEGACY_FOLDER : LEGACY_LIBRARY;
    if (asprintf(&path, "%s/%s", LEGACY_LIBRARIES, entry->path) < 0 ||
        !legacy_paths_add(context, class, path))
        return error_oom(err, "listing libraries");
    return 0;
}

static int collect_folder(const struct root *root, struct legacy_paths *paths, struct error *err) {
    struct stat st;
    int rc = root_stat(root, LEGACY_LIBRARIES, &st);
    if (rc == -ENOENT)
        return 0;
    if (rc)
        return error_io(err, -rc, "can't look at %s" LEGACY_LIBRARIES, root->path);
    if (!legacy_paths_add(paths, S_ISDIR(st.st_mode) ? LEGACY_FOLDER : LEGACY_LIBRARY,
                          LEGACY_LIBRARIES))
        return error_oom(err, "listing libraries");
    if (!S_ISDIR(st.st_mode))
        return 0;
    AUTO_CLOSE int fd = -1;
    rc = root_open_dir(root, LEGACY_LIBRARIES, &fd, err);
    return rc ? rc : tree_walk(fd, LEGACY_LIBRARIES, collect_entry, paths, err);
}

/* A folder there may have been made for the copies: it goes like the others, when it is empty. */
static int collect_copy(const struct root *root, const char *machine, struct legacy_paths *paths,
                        size_t original, struct error *err) {
    AUTO_FREE char *path = NULL;
    bool folder = paths->items[original].class == LEGACY_FOLDER;
    struct stat st;
    int rc = system_path(machine, paths->items[original].path, &path, err);
    if (rc || !path)
        return rc;
    rc = root_stat(root, path, &st);
    if (rc == -ENOENT || rc == -ENOTDIR || (!rc && S_ISDIR(st.st_mode) != folder))
        return 0;
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, path);
    struct legacy_path *copy = legacy_paths_add(paths, folder ? LEGACY_FOLDER : LEGACY_COPY, path);
    if (!copy)
        return error_oom(err, "listing libraries");
    copy->original = original;
    return 0;
}

int legacy_libraries_collect(const struct root *root, const char *machine,
                             struct legacy_paths *paths, struct error *err) {
    int rc = collect_folder(root, paths, err);
    size_t count = paths->count;
    for (size_t i = 0; !rc && i < count; i++)
        rc =
            paths->items[i].class == LEGACY_MODULE ? 0 : collect_copy(root, machine, paths, i, err);
    return rc;
}

int legacy_libraries_prove(const struct legacy_evidence *evidence, const char *machine,
                           struct legacy_path *item, struct error *err) {
    struct stat st;
    int rc = root_stat(evidence->root, item->path, &st);
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", evidence->root->path, item->path);
    item->ours = S_ISREG(st.st_mode) && version_proof_in_name(item->path, evidence->version);
    if (item->ours)
        return 0;
    AUTO_FREE char *logged = NULL;
    rc = system_path(machine, item->path, &logged, err);
    return rc ? rc : legacy_proof_of_file(evidence, item->path, logged, &item->ours, err);
}

static int is_same_file(const struct root *root, const char *one, const char *other, bool *same,
                        struct error *err) {
    AUTO_CLOSE int folder = -1;
    AUTO_CLOSE int other_folder = -1;
    const char *name, *other_name;
    int rc = root_open_parent(root, one, &folder, &name, err);
    if (!rc)
        rc = root_open_parent(root, other, &other_folder, &other_name, err);
    return rc ? rc : same_content(folder, name, other_folder, other_name, same, err);
}

int legacy_libraries_prove_copies(const struct root *root, struct legacy_paths *paths,
                                  struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < paths->count; i++) {
        struct legacy_path *copy = &paths->items[i];
        if (copy->class != LEGACY_COPY || copy->owned || !paths->items[copy->original].ours)
            continue;
        copy->rank = LEGACY_COPY_RANK;
        rc = is_same_file(root, copy->path, paths->items[copy->original].path, &copy->ours, err);
    }
    return rc;
}
