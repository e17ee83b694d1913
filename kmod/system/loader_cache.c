#include "kmod/system/loader_cache.h"

#include <fnmatch.h>
#include <string.h>

#include "base/file.h"
#include "kmod/system/ldconfig.h"
#include "kmod/system/loader_store.h"

bool loader_cache_matters(const char *path) {
    static const char *const patterns[] = {"lib*.so*", "ld-*.so*"};
    if (!strcmp(path, "/etc/ld.so.conf") || !strncmp(path, "/etc/ld.so.conf.d/", 18))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
        if (!fnmatch(patterns[i], strrchr(path, '/') + 1, 0))
            return true;
    return false;
}

/* What every operation begins with: the store's paths, and the leftovers of killed runs gone. */
static int begin(const struct root *root, const char *store, struct loader_store *paths,
                 struct error *err) {
    int rc = loader_store_locate(store, paths, err);
    if (!rc)
        rc = ldconfig_settle(root, store, err);
    return rc ? rc : loader_store_sweep(root, err);
}

static int publish(const struct root *root, const char *path, const struct buffer *bytes,
                   struct error *err) {
    struct file_meta meta = FILE_META_DEFAULT;
    return file_publish(root, path, bytes->data, bytes->size, &meta, err);
}

/* ldconfig's output in place; where it is there already, that file stays. */
static int make_anew(const struct root *root, const char *store, bool *changed, struct error *err) {
    AUTO_BUFFER struct buffer bytes = {0};
    bool same = false;
    int rc = ldconfig_run(root, store, &bytes, err);
    if (!rc)
        rc = loader_store_has(root, LOADER_CACHE, &bytes, &same, err);
    *changed = !same;
    return rc || same ? rc : publish(root, LOADER_CACHE, &bytes, err);
}

int loader_cache_keep(const struct root *root, const char *store, struct loader_cache *cache,
                      struct error *err) {
    AUTO_LOADER_STORE struct loader_store paths = {0};
    *cache = (struct loader_cache){0};
    int rc = begin(root, store, &paths, err);
    if (!rc && root_exists(root, paths.folder))
        rc = error_set(err, ERROR_REFUSED, EEXIST,
                       "the loader cache from before an earlier bake is still kept in %s%s: tear "
                       "that bake down first",
                       root->path, paths.folder);
    if (!rc)
        rc = loader_store_drop(root, &paths, err);
    if (!rc)
        rc = loader_store_keep(root, &paths, err);
    if (!rc)
        loader_store_record_without(root, paths.without, cache);
    return rc;
}

int loader_cache_build(const struct root *root, const char *store, struct loader_cache *cache,
                       struct error *err) {
    AUTO_LOADER_STORE struct loader_store paths = {0};
    int rc = begin(root, store, &paths, err);
    if (!rc)
        rc = make_anew(root, store, &cache->used, err);
    if (rc)
        return rc;
    loader_store_record(root, cache);
    return cache->used ? 0 : loader_store_drop(root, &paths, err);
}

int loader_cache_undo(const struct root *root, const char *store, struct error *err) {
    AUTO_LOADER_STORE struct loader_store paths = {0};
    int rc = begin(root, store, &paths, err);
    if (!rc && root_exists(root, paths.folder))
        rc = loader_store_undo(root, &paths, err);
    return rc ? rc : loader_store_drop(root, &paths, err);
}

static bool is_kept(const struct root *root, const struct loader_store *paths,
                    const struct loader_cache *cache) {
    return !cache->without_present || loader_store_is_without(root, cache, paths->without);
}

/* A run was killed between the two renames of loader_store_exchange(): the second one. */
static int end_exchange(const struct root *root, const struct loader_store *paths, const char *from,
                        const char *to, struct error *err) {
    AUTO_CLOSE int folder = -1;
    const char *name;
    int rc = root_open_parent(root, paths->without, &folder, &name, err);
    if (!rc && renameat(folder, from, folder, to))
        rc = error_io(err, errno, "can't rename %s%s/%s", root->path, paths->folder, from);
    return rc;
}

/* An activation was killed there: what the parking had recorded in place is kept in the other's
 * name. */
static bool has_without_as_with(const struct root *root, const struct loader_store *paths,
                                const struct loader_cache *cache) {
    return loader_store_is_without(root, cache, paths->with) &&
           loader_store_is_recorded(root, cache, paths->with);
}

static int put_back(const struct root *root, const struct loader_store *paths,
                    const struct loader_cache *cache, bool *needs_refresh, struct error *err) {
    if (!cache->used || loader_store_is_back(root, paths, cache))
        return 0;
    bool as_recorded = loader_store_in_place(root, cache);
    if (cache->parked && as_recorded)
        return 0;
    if (cache->parked && has_without_as_with(root, paths, cache)) {
        int rc = end_exchange(root, paths, LOADER_STORE_WITH, LOADER_STORE_WITHOUT, err);
        return rc ? rc : loader_store_put_back(root, paths, true, err);
    }
    *needs_refresh = cache->parked || !as_recorded || !is_kept(root, paths, cache);
    return *needs_refresh ? 0 : loader_store_put_back(root, paths, cache->without_present, err);
}

int loader_cache_restore(const struct root *root, const struct loader_cache *cache,
                         const char *store, bool *needs_refresh, struct error *err) {
    AUTO_LOADER_STORE struct loader_store paths = {0};
    *needs_refresh = false;
    int rc = begin(root, store, &paths, err);
    if (!rc)
        rc = put_back(root, &paths, cache, needs_refresh, err);
    return rc ? rc : loader_store_drop(root, &paths, err);
}

bool loader_cache_is_with(const struct root *root, const struct loader_cache *cache) {
    return cache->used && !cache->parked && cache->inode && loader_store_in_place(root, cache);
}

int loader_cache_refresh(const struct root *root, const char *store, struct error *err) {
    AUTO_LOADER_STORE struct loader_store paths = {0};
    bool changed;
    int rc = begin(root, store, &paths, err);
    return rc || !root_exists(root, LOADER_CACHE) ? rc : make_anew(root, store, &changed, err);
}

/* Exchanging needs one file system that can do it. */
static bool cannot_exchange(int rc) {
    return rc == -EXDEV || rc == -EINVAL || rc == -ENOSYS;
}

static int exchange_or_copy(const struct root *root, const struct loader_store *paths,
                            const struct loader_cache *cache, struct error *err) {
    struct error reason = {0};
    int rc = loader_store_exchange(root, paths, LOADER_STORE_WITHOUT, LOADER_STORE_WITH, &reason);
    if (cannot_exchange(rc))
        return loader_store_put_back(root, paths, cache->without_present, err);
    if (rc && err)
        *err = reason;
    return rc;
}

static int park(const struct root *root, const char *store, const struct loader_store *paths,
                struct loader_cache *cache, struct error *err) {
    if (loader_store_is_back(root, paths, cache)) {
        bool unnamed = root_exists(root, paths->without) && !is_kept(root, paths, cache);
        return unnamed ? end_exchange(root, paths, LOADER_STORE_WITHOUT, LOADER_STORE_WITH, err)
                       : 0;
    }
    if (loader_store_in_place(root, cache) && is_kept(root, paths, cache))
        return exchange_or_copy(root, paths, cache, err);
    int rc = loader_store_drop(root, paths, err);
    if (!rc)
        rc = loader_cache_refresh(root, store, err);
    if (!rc)
        loader_store_record_without(root, LOADER_CACHE, cache);
    return rc;
}

int loader_cache_park(const struct root *root, const char *store, struct loader_cache *cache,
                      struct error *err) {
    AUTO_LOADER_STORE struct loader_store paths = {0};
    int rc = begin(root, store, &paths, err);
    if (rc || !cache->used || cache->parked)
        return rc;
    rc = park(root, store, &paths, cache, err);
    if (rc)
        return rc;
    loader_store_record(root, cache);
    cache->parked = true;
    return 0;
}

static int activate(const struct root *root, const char *store, const struct loader_store *paths,
                    struct loader_cache *cache, struct error *err) {
    if (has_without_as_with(root, paths, cache)) {
        int rc = end_exchange(root, paths, LOADER_STORE_WITH, LOADER_STORE_WITHOUT, err);
        if (!rc)
            loader_store_record(root, cache);
        return rc;
    }
    if (loader_store_in_place(root, cache) && root_exists(root, paths->with)) {
        int rc = loader_store_exchange(root, paths, LOADER_STORE_WITH, LOADER_STORE_WITHOUT, err);
        if (!rc)
            loader_store_record(root, cache);
        return rc;
    }
    bool changed;
    int rc = loader_store_drop(root, paths, err);
    if (!rc)
        rc = make_anew(root, store, &changed, err);
    if (!rc)
        loader_store_record_unknown(cache);
    return rc;
}

int loader_cache_activate(const struct root *root, const char *store, struct loader_cache *cache,
                          struct error *err) {
    AUTO_LOADER_STORE struct loader_store paths = {0};
    int rc = begin(root, store, &paths, err);
    if (rc || !cache->used || !cache->parked)
        return rc;
    rc = activate(root, store, &paths, cache, err);
    if (!rc)
        cache->parked = false;
    return rc;
}
