#include "kmod/system/module_index.h"

#include <string.h>

#include "base/file.h"
#include "kmod/system/depmod.h"
#include "kmod/system/index_freshness.h"
#include "kmod/system/index_store.h"

static int64_t nanoseconds(struct timespec time) {
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static bool is_dir(const struct root *root, const char *path) {
    struct stat st;
    return root_stat_following(root, path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int keep(const struct root *root, const struct index_store *paths,
                struct module_index *index, struct error *err) {
    if (!is_dir(root, paths->kernel_dir))
        return error_set(err, ERROR_USAGE, ENOENT,
                         "%s has no modules of a kernel %s (there is no %s)", root->path,
                         index->kernel, paths->kernel_dir);
    if (root_exists(root, paths->without))
        return error_set(err, ERROR_REFUSED, EEXIST,
                         "the index of the kernel %s from before an earlier bake is still kept in "
                         "%s%s: tear that bake down first",
                         index->kernel, root->path, paths->without);
    int rc = index_store_drop(root, paths, err);
    if (!rc)
        rc = index_store_sweep(root, paths, err);
    if (!rc)
        rc = index_freshness_check(root, index->kernel, paths, &index->stale, err);
    if (!rc)
        rc = index_store_keep(root, paths, err);
    int dropped = rc ? index_store_drop(root, paths, NULL) : 0;
    return rc ? rc : dropped;
}

int module_index_keep(const struct root *root, const char *kernel, const char *store,
                      struct module_index *index, struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    *index = (struct module_index){0};
    int rc = index_store_locate(kernel, store, &paths, err);
    if (rc)
        return rc;
    index->kernel = strdup(kernel);
    rc = index->kernel ? keep(root, &paths, index, err) : error_oom(err, "keeping an index");
    if (rc)
        module_index_release(index);
    return rc;
}

static int publish_file(const struct root *root, const struct index_store *paths,
                        const char *folder, const char *name, struct error *err) {
    AUTO_BUFFER struct buffer content = {0};
    AUTO_FREE char *path = index_store_path(paths->kernel_dir, name);
    if (!path)
        return error_oom(err, "publishing an index file");
    int rc = index_store_read(root, folder, name, &content, err);
    struct file_meta meta = FILE_META_DEFAULT;
    return rc ? rc : file_publish(root, path, content.data, content.size, &meta, err);
}

/* Publishes depmod's files by content: a rename from the store would bring its security label. */
static int publish(const struct root *root, const struct index_store *paths, const char *folder,
                   const struct strlist *names, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < names->count; i++)
        if (strcmp(names->items[i], INDEX_DEPENDENCIES))
            rc = publish_file(root, paths, folder, names->items[i], err);
    return rc ? rc : publish_file(root, paths, folder, INDEX_DEPENDENCIES, err);
}

static int add_file(struct module_index *index, const char *name) {
    struct module_index_file *files =
        reallocarray(index->files, index->count + 1, sizeof *index->files);
    if (!files)
        return -ENOMEM;
    index->files = files;
    files[index->count] = (struct module_index_file){.name = strdup(name)};
    return files[index->count].name ? (index->count++, 0) : -ENOMEM;
}

/* Takes over what the note and the kept files say of "without". */
static int fill_files(const struct root *root, const struct index_store *paths,
                      struct module_index *index, struct error *err) {
    AUTO_KEYVALUE struct keyvalue note = {0};
    int rc = index_store_read_note(root, paths, &note, err);
    for (size_t i = 0; !rc && i < note.keys.count; i++) {
        if (add_file(index, note.keys.items[i]))
            return error_oom(err, "recording an index");
        struct module_index_file *file = &index->files[i];
        struct stat st;
        file->without_present = !strcmp(note.values.items[i], INDEX_KEPT);
        if (file->without_present && !index_store_stat(root, paths->without, file->name, &st))
            file->without_mtime_ns = nanoseconds(st.st_mtim);
    }
    return rc;
}

static void forget_files(struct module_index *index) {
    for (size_t i = 0; i < index->count; i++)
        free(index->files[i].name);
    free(index->files);
    index->files = NULL;
    index->count = 0;
}

int module_index_build(const struct root *root, const char *store, struct module_index *index,
                       struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    AUTO_STRLIST struct strlist names = {0};
    AUTO_FREE char *folder = NULL;
    int rc = index_store_locate(index->kernel, store, &paths, err);
    if (!rc)
        rc = depmod_run(root, index->kernel, paths.staging, &folder, &names, err);
    if (!rc)
        rc = index_store_note(root, &paths, &names, err);
    if (!rc)
        rc = publish(root, &paths, folder, &names, err);
    if (!rc)
        rc = depmod_discard(root, paths.staging, err);
    forget_files(index);
    if (!rc)
        rc = fill_files(root, &paths, index, err);
    return rc ? rc : module_index_record(root, index, err);
}

int module_index_record(const struct root *root, struct module_index *index, struct error *err) {
    AUTO_FREE char *kernel_dir = index_store_path("/lib/modules", index->kernel);
    if (!kernel_dir)
        return error_oom(err, "recording an index");
    for (size_t i = 0; i < index->count; i++) {
        struct stat st;
        int rc = index_store_stat(root, kernel_dir, index->files[i].name, &st);
        if (rc)
            return error_io(err, -rc, "can't look at %s%s/%s", root->path, kernel_dir,
                            index->files[i].name);
        index->files[i].with_inode = st.st_ino;
        index->files[i].with_ctime_ns = nanoseconds(st.st_ctim);
    }
    return 0;
}

/* modules.dep.bin first: without it, or with the old one, modprobe finds no module of the bake. */
static int put_back(const struct root *root, const struct index_store *paths,
                    const struct module_index *index, struct error *err) {
    int rc = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; !rc && i < index->count; i++) {
            const struct module_index_file *file = &index->files[i];
            bool first = !strcmp(file->name, INDEX_DEPENDENCIES);
            if (first == (pass == 0))
                rc = index_store_put_back(root, paths, file->name, file->without_present, err);
        }
    return rc;
}

int module_index_undo(const struct root *root, const char *kernel, const char *store,
                      struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    AUTO_MODULE_INDEX struct module_index index = {0};
    int rc = index_store_locate(kernel, store, &paths, err);
    if (rc)
        return rc;
    if (root_exists(root, paths.folder) && is_dir(root, paths.kernel_dir)) {
        rc = index_store_sweep(root, &paths, err);
        if (!rc)
            rc = fill_files(root, &paths, &index, err);
        if (!rc)
            rc = put_back(root, &paths, &index, err);
    }
    return rc ? rc : index_store_drop(root, &paths, err);
}

/*
 * Whether "without" is in place for this file, or can be put there with nothing lost. What is
 * decided here must stay decided when the run is killed and the kept files are half gone: putting
 * back makes files `before`, dropping only takes kept files away.
 */
static bool can_switch(const struct root *root, const struct index_store *paths,
                       const struct module_index_file *file) {
    struct stat st;
    bool present = index_store_stat(root, paths->kernel_dir, file->name, &st) == 0;
    bool before = file->without_present
                      ? present && nanoseconds(st.st_mtim) == file->without_mtime_ns
                      : !present;
    bool recorded =
        present && st.st_ino == file->with_inode && nanoseconds(st.st_ctim) == file->with_ctime_ns;
    bool kept =
        !file->without_present || index_store_stat(root, paths->without, file->name, &st) == 0;
    return before || (recorded && kept);
}

int module_index_restore(const struct root *root, const struct module_index *index,
                         const char *store, bool *needs_refresh, struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    *needs_refresh = false;
    int rc = index_store_locate(index->kernel, store, &paths, err);
    if (rc)
        return rc;
    if (is_dir(root, paths.kernel_dir)) {
        rc = index_store_sweep(root, &paths, err);
        for (size_t i = 0; i < index->count; i++)
            *needs_refresh |= !can_switch(root, &paths, &index->files[i]);
        if (!rc && !*needs_refresh)
            rc = put_back(root, &paths, index, err);
    }
    return rc ? rc : index_store_drop(root, &paths, err);
}

int module_index_refresh(const struct root *root, const char *kernel, const char *store,
                         struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    AUTO_STRLIST struct strlist names = {0};
    AUTO_FREE char *folder = NULL;
    int rc = index_store_locate(kernel, store, &paths, err);
    if (rc || !is_dir(root, paths.kernel_dir))
        return rc;
    rc = index_store_sweep(root, &paths, err);
    if (!rc)
        rc = depmod_run(root, kernel, paths.staging, &folder, &names, err);
    if (!rc)
        rc = publish(root, &paths, folder, &names, err);
    int discarded = depmod_discard(root, paths.staging, rc ? NULL : err);
    if (!rc && !discarded)
        discarded = index_store_tidy(root, &paths, err);
    return rc ? rc : discarded;
}

void module_index_release(struct module_index *index) {
    forget_files(index);
    free(index->kernel);
    *index = (struct module_index){0};
}
