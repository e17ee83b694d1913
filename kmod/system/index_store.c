#include "kmod/system/index_store.h"

#include <string.h>

#include "base/file.h"
#include "kmod/system/depmod.h"
#include "kmod/system/kept_file.h"
#include "kmod/system/path_component.h"

#define NOTE_MAX (64U << 10)
#define INDEX_FILE_MAX (256UL << 20) /* the largest of a distribution's kernel is 2 MB */

char *index_store_path(const char *folder, const char *name) {
    char *path = NULL;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

int index_store_locate(const char *kernel, const char *store, struct index_store *paths,
                       struct error *err) {
    *paths = (struct index_store){0};
    int rc = path_component_check(kernel, "kernel release", err);
    if (rc)
        return rc;
    if ((paths->kernel_dir = index_store_path("/lib/modules", kernel)) &&
        (paths->index_dir = index_store_path(store, "index")) &&
        (paths->folder = index_store_path(paths->index_dir, kernel)) &&
        (paths->without = index_store_path(paths->folder, "without")) &&
        (paths->with = index_store_path(paths->folder, "with")) &&
        (paths->keeping = index_store_path(paths->folder, "keeping")) &&
        (paths->published = index_store_path(paths->folder, "published")) &&
        (paths->tree = index_store_path(paths->folder, "tree")) &&
        (paths->tree_next = index_store_path(paths->folder, "tree.next")) &&
        (paths->staging = index_store_path(paths->folder, "staging")))
        return 0;
    index_store_release(paths);
    return error_oom(err, "locating the kept index");
}

void index_store_release(struct index_store *paths) {
    free(paths->kernel_dir);
    free(paths->index_dir);
    free(paths->folder);
    free(paths->without);
    free(paths->with);
    free(paths->keeping);
    free(paths->published);
    free(paths->tree);
    free(paths->tree_next);
    free(paths->staging);
    *paths = (struct index_store){0};
}

int index_store_stat(const struct root *root, const char *folder, const char *name,
                     struct stat *st) {
    AUTO_FREE char *path = index_store_path(folder, name);
    return path ? root_stat(root, path, st) : -ENOMEM;
}

int index_store_read(const struct root *root, const char *folder, const char *name,
                     struct buffer *content, struct error *err) {
    AUTO_FREE char *path = index_store_path(folder, name);
    return path ? file_read(root, path, INDEX_FILE_MAX, content, err)
                : error_oom(err, "reading an index file");
}

int index_store_open(const struct root *root, const char *path, int *fd, struct error *err) {
    /* root_open_parent() of anything in it proves that the directory is root's. */
    AUTO_FREE char *inside = index_store_path(path, "x");
    const char *name;
    return inside ? root_open_parent(root, inside, fd, &name, err)
                  : error_oom(err, "opening a folder");
}

static int keep_files(const struct root *root, const struct index_store *paths, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_CLOSE int place = -1, kept = -1;
    int rc = root_list(root, paths->kernel_dir, &names, err);
    if (!rc)
        rc = index_store_open(root, paths->kernel_dir, &place, err);
    if (!rc)
        rc = index_store_open(root, paths->keeping, &kept, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        if (depmod_is_index_file(names.items[i]))
            rc = kept_file_keep(place, kept, names.items[i], err);
    return rc;
}

int index_store_keep(const struct root *root, const struct index_store *paths, struct error *err) {
    int rc = root_make_dirs(root, paths->keeping, 0700, NULL, err);
    if (!rc)
        rc = keep_files(root, paths, err);
    AUTO_CLOSE int folder = -1;
    if (!rc)
        rc = index_store_open(root, paths->folder, &folder, err);
    if (!rc && renameat(folder, "keeping", folder, "without"))
        rc = error_io(err, errno, "can't create %s%s", root->path, paths->without);
    return rc;
}

int index_store_note(const struct root *root, const struct index_store *paths,
                     const struct strlist *names, struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    for (size_t i = 0; i < names->count; i++) {
        AUTO_FREE char *kept = index_store_path(paths->without, names->items[i]);
        if (!kept || buffer_printf(&text, "%s=%s\n", names->items[i],
                                   root_exists(root, kept) ? INDEX_KEPT : INDEX_ABSENT))
            return error_oom(err, "noting the index files");
    }
    struct file_meta meta = FILE_META_DURABLE;
    return file_publish(root, paths->published, text.data, text.size, &meta, err);
}

int index_store_keep_only(const struct root *root, const struct index_store *paths,
                          const struct strlist *names, struct error *err) {
    AUTO_STRLIST struct strlist kept = {0};
    int rc = root_list(root, paths->without, &kept, err);
    for (size_t i = 0; !rc && i < kept.count; i++) {
        AUTO_FREE char *path = index_store_path(paths->without, kept.items[i]);
        if (!path)
            rc = error_oom(err, "keeping an index");
        else if (!strlist_contains(names, kept.items[i]))
            rc = file_remove(root, path, err);
    }
    return rc;
}

int index_store_read_note(const struct root *root, const struct index_store *paths,
                          struct keyvalue *note, struct error *err) {
    if (!root_exists(root, paths->published))
        return 0;
    AUTO_BUFFER struct buffer text = {0};
    int rc = file_read(root, paths->published, NOTE_MAX, &text, err);
    if (!rc)
        rc = keyvalue_parse(buffer_string(&text), text.size, paths->published, true, note, err);
    for (size_t i = 0; !rc && i < note->keys.count; i++)
        rc = path_component_check(note->keys.items[i], "name of an index file", err);
    return rc;
}

static int remove_in_place(const struct root *root, const struct index_store *paths,
                           const char *name, struct error *err) {
    AUTO_FREE char *path = index_store_path(paths->kernel_dir, name);
    return path ? file_remove(root, path, err) : error_oom(err, "removing an index file");
}

bool index_store_is_temporary(const char *name) {
    return !strncmp(name, ".modules.", strlen(".modules.")) && strstr(name, ".prebake-");
}

int index_store_sweep(const struct root *root, const struct index_store *paths, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, paths->kernel_dir, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        const char *name = names.items[i];
        if (index_store_is_temporary(name))
            rc = remove_in_place(root, paths, name, err);
    }
    return rc;
}

int index_store_tidy(const struct root *root, const struct index_store *paths, struct error *err) {
    if (!root_exists(root, paths->index_dir))
        return 0;
    int rc = file_remove_dir(root, paths->folder, err);
    if (!rc || rc == -ENOENT)
        rc = file_remove_dir(root, paths->index_dir, err);
    return rc == -ENOTEMPTY || rc == -ENOENT ? 0 : rc;
}

int index_store_drop(const struct root *root, const struct index_store *paths, struct error *err) {
    int rc = file_remove_tree(root, paths->folder, err);
    return rc ? rc : index_store_tidy(root, paths, err);
}
