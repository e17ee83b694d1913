#include "kmod/system/loader_store.h"

#include <string.h>

#include "base/file.h"
#include "base/timestamp.h"
#include "kmod/system/kept_file.h"
#include "kmod/system/ldconfig.h"

#define PLACE_FOLDER "/etc"
#define PLACE_NAME LOADER_STORE_WITHOUT /* kept under its own name */

int loader_store_locate(const char *store, struct loader_store *paths, struct error *err) {
    *paths = (struct loader_store){0};
    if (asprintf(&paths->folder, "%s/loader", store) < 0 ||
        asprintf(&paths->keeping, "%s/loader.new", store) < 0 ||
        asprintf(&paths->without, "%s/" LOADER_STORE_WITHOUT, paths->folder) < 0 ||
        asprintf(&paths->with, "%s/" LOADER_STORE_WITH, paths->folder) < 0 ||
        asprintf(&paths->absent, "%s/" LOADER_STORE_ABSENT, paths->folder) < 0)
        return error_oom(err, "locating the kept loader cache");
    return 0;
}

void loader_store_release(struct loader_store *paths) {
    free(paths->folder);
    free(paths->keeping);
    free(paths->without);
    free(paths->with);
    free(paths->absent);
}

/* Two directories; root_open_parent() proves that they are root's. */
struct folders {
    int place;
    int kept;
};

static void close_folders(struct folders *folders) {
    cleanup_close(&folders->place);
    cleanup_close(&folders->kept);
}

static int open_folders(const struct root *root, const char *folder, struct folders *folders,
                        struct error *err) {
    AUTO_FREE char *inside = NULL;
    const char *name;
    *folders = (struct folders){-1, -1};
    if (asprintf(&inside, "%s/x", folder) < 0)
        return error_oom(err, "opening a folder");
    int rc = root_open_parent(root, inside, &folders->kept, &name, err);
    return rc ? rc : root_open_parent(root, LOADER_CACHE, &folders->place, &name, err);
}

static int keep_absence(const struct root *root, const struct loader_store *paths,
                        struct error *err) {
    AUTO_FREE char *path = NULL;
    struct file_meta meta = FILE_META_DEFAULT;
    return asprintf(&path, "%s/" LOADER_STORE_ABSENT, paths->keeping) < 0
               ? error_oom(err, "keeping the loader cache")
               : file_publish(root, path, "", 0, &meta, err);
}

static int keep_file(const struct root *root, const struct loader_store *paths, struct error *err) {
    AUTO(close_folders) struct folders folders;
    int rc = open_folders(root, paths->keeping, &folders, err);
    return rc ? rc : kept_file_keep(folders.place, folders.kept, PLACE_NAME, err);
}

int loader_store_keep(const struct root *root, const struct loader_store *paths,
                      struct error *err) {
    int rc = root_make_dirs(root, paths->keeping, 0700, NULL, err);
    if (!rc)
        rc = root_exists(root, LOADER_CACHE) ? keep_file(root, paths, err)
                                             : keep_absence(root, paths, err);
    AUTO_CLOSE int store = -1;
    const char *name;
    if (!rc)
        rc = root_open_parent(root, paths->folder, &store, &name, err);
    if (!rc && renameat(store, strrchr(paths->keeping, '/') + 1, store, name))
        rc = error_io(err, errno, "can't create %s%s", root->path, paths->folder);
    return rc;
}

int loader_store_put_back(const struct root *root, const struct loader_store *paths,
                          bool was_present, struct error *err) {
    if (!was_present)
        return file_remove(root, LOADER_CACHE, err);
    AUTO(close_folders) struct folders folders;
    int rc = open_folders(root, paths->folder, &folders, err);
    return rc ? rc : kept_file_put_back(folders.kept, folders.place, PLACE_NAME, err);
}

int loader_store_undo(const struct root *root, const struct loader_store *paths,
                      struct error *err) {
    if (root_exists(root, paths->without))
        return loader_store_put_back(root, paths, true, err);
    return root_exists(root, paths->absent) ? loader_store_put_back(root, paths, false, err) : 0;
}

static int move(const struct folders *folders, const char *from, const char *to, bool kept,
                bool placed) {
    if (!kept)
        return placed ? renameat(folders->place, PLACE_NAME, folders->kept, to) : 0;
    if (!placed)
        return renameat(folders->kept, from, folders->place, PLACE_NAME);
    return renameat2(folders->kept, from, folders->place, PLACE_NAME, RENAME_EXCHANGE) ||
                   renameat(folders->kept, from, folders->kept, to)
               ? -1
               : 0;
}

int loader_store_exchange(const struct root *root, const struct loader_store *paths,
                          const char *from, const char *to, struct error *err) {
    AUTO_FREE char *path = NULL;
    AUTO(close_folders) struct folders folders;
    int rc = open_folders(root, paths->folder, &folders, err);
    if (rc)
        return rc;
    if (asprintf(&path, "%s/%s", paths->folder, from) < 0)
        return error_oom(err, "switching the loader cache");
    if (move(&folders, from, to, root_exists(root, path), root_exists(root, LOADER_CACHE)))
        return error_io(err, errno, "can't switch %s" LOADER_CACHE, root->path);
    return 0;
}

int loader_store_drop(const struct root *root, const struct loader_store *paths,
                      struct error *err) {
    int rc = file_remove_tree(root, paths->folder, err);
    return rc ? rc : file_remove_tree(root, paths->keeping, err);
}

int loader_store_sweep(const struct root *root, struct error *err) {
    return file_remove_temporaries(root, PLACE_FOLDER, PLACE_NAME, err);
}

int loader_store_has(const struct root *root, const char *path, const struct buffer *bytes,
                     bool *same, struct error *err) {
    AUTO_BUFFER struct buffer found = {0};
    struct stat st;
    *same = false;
    if (root_stat(root, path, &st) || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != bytes->size)
        return 0;
    int rc = file_read(root, path, LDCONFIG_SIZE_MAX, &found, err);
    *same = !rc && found.size == bytes->size &&
            (!found.size || !memcmp(found.data, bytes->data, bytes->size));
    return rc;
}

bool loader_store_in_place(const struct root *root, const struct loader_cache *cache) {
    struct stat st;
    if (root_stat(root, LOADER_CACHE, &st))
        return cache->inode == 0;
    return st.st_ino == cache->inode && timestamp_ns(st.st_ctim) == cache->ctime_ns;
}

bool loader_store_is_without(const struct root *root, const struct loader_cache *cache,
                             const char *path) {
    struct stat st;
    return cache->without_present && !root_stat(root, path, &st) &&
           timestamp_ns(st.st_mtim) == cache->without_mtime_ns;
}

bool loader_store_is_recorded(const struct root *root, const struct loader_cache *cache,
                              const char *path) {
    struct stat st;
    return !root_stat(root, path, &st) && st.st_ino == cache->inode;
}

static bool has_bytes_of(const struct root *root, const char *path) {
    AUTO_BUFFER struct buffer bytes = {0};
    struct error ignored = {0};
    bool same = false;
    return !file_read(root, path, LDCONFIG_SIZE_MAX, &bytes, &ignored) &&
           !loader_store_has(root, LOADER_CACHE, &bytes, &same, &ignored) && same;
}

bool loader_store_is_back(const struct root *root, const struct loader_store *paths,
                          const struct loader_cache *cache) {
    const char *other = cache->parked ? paths->with : paths->without;
    if (!cache->without_present)
        return !root_exists(root, LOADER_CACHE);
    if (!loader_store_is_without(root, cache, LOADER_CACHE))
        return false;
    /* An image's build may give all files one time: then it is told by which file was recorded, and
     * does not matter where the bytes are the same. */
    return !loader_store_is_without(root, cache, other) ||
           loader_store_is_recorded(root, cache, cache->parked ? LOADER_CACHE : other) ||
           has_bytes_of(root, other);
}

void loader_store_record(const struct root *root, struct loader_cache *cache) {
    struct stat st;
    bool present = root_stat(root, LOADER_CACHE, &st) == 0;
    cache->inode = present ? st.st_ino : 0;
    cache->ctime_ns = present ? timestamp_ns(st.st_ctim) : 0;
}

void loader_store_record_without(const struct root *root, const char *path,
                                 struct loader_cache *cache) {
    struct stat st;
    cache->without_present = root_stat(root, path, &st) == 0;
    cache->without_mtime_ns = cache->without_present ? timestamp_ns(st.st_mtim) : 0;
}

void loader_store_record_unknown(struct loader_cache *cache) {
    cache->inode = 0;
    cache->ctime_ns = 0;
    cache->without_present = true;
    cache->without_mtime_ns = INT64_MIN; /* of no file */
}
