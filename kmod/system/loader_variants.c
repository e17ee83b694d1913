#include "kmod/system/loader_variants.h"

#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/log.h"
#include "kmod/system/ldconfig.h"
#include "kmod/system/loader_store.h"

/* One run. */
struct renewal {
    const struct root *root;
    const char *store;
    struct loader_store paths;
    struct loader_cache *cache;
    struct buffer with; /* what ldconfig gives */
    struct buffer without;
};

static void release(struct renewal *renewal) {
    loader_store_release(&renewal->paths);
    buffer_release(&renewal->with);
    buffer_release(&renewal->without);
}

static bool is_same(const struct buffer *a, const struct buffer *b) {
    return a->size == b->size && (!a->size || !memcmp(a->data, b->data, a->size));
}

/* A "without" that has another time than any file published now: a teardown tells by it. */
static int publish_without(const struct renewal *renewal, struct error *err) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct file_meta meta = {.mode = 0644, .mtime = {.tv_sec = now.tv_sec - 1}};
    return file_publish(renewal->root, renewal->paths.without, renewal->without.data,
                        renewal->without.size, &meta, err);
}

/* The kept file stays when ldconfig would write it again: it is the one from before the bake. */
static int keep_without(struct renewal *renewal, struct error *err) {
    bool same = false;
    int rc = root_make_dirs(renewal->root, renewal->paths.folder, 0700, NULL, err);
    if (!rc)
        rc = loader_store_has(renewal->root, renewal->paths.without, &renewal->without, &same, err);
    if (!rc && !same)
        rc = publish_without(renewal, err);
    if (rc)
        return rc;
    loader_store_record(renewal->root, renewal->cache);
    loader_store_record_without(renewal->root, renewal->paths.without, renewal->cache);
    return 0;
}

static int make_without(struct renewal *renewal, const struct strlist *ours, struct error *err) {
    struct error reason = {0};
    int rc = ldconfig_run_without(renewal->root, renewal->store, ours, &renewal->without, &reason);
    if (rc == -EPERM) {
        log_warning("%s: a teardown will run ldconfig", reason.text);
        loader_store_record_unknown(renewal->cache);
        return loader_store_drop(renewal->root, &renewal->paths, err);
    }
    if (rc && err)
        *err = reason;
    if (rc)
        return rc;
    renewal->cache->used = !is_same(&renewal->with, &renewal->without);
    return renewal->cache->used ? keep_without(renewal, err)
                                : loader_store_drop(renewal->root, &renewal->paths, err);
}

/* What is in place is as recorded, is what ldconfig gives, and "without" is kept. */
static bool is_current(const struct renewal *renewal, bool same) {
    const struct loader_cache *cache = renewal->cache;
    if (!same || !cache->used)
        return same;
    return loader_store_in_place(renewal->root, cache) &&
           (!cache->without_present ||
            loader_store_is_without(renewal->root, cache, renewal->paths.without));
}

static int renew_active(struct renewal *renewal, const struct strlist *ours, bool *renewed,
                        struct error *err) {
    bool same = false;
    int rc = ldconfig_run(renewal->root, renewal->store, &renewal->with, err);
    if (!rc)
        rc = loader_store_has(renewal->root, LOADER_CACHE, &renewal->with, &same, err);
    *renewed = !rc && !is_current(renewal, same);
    if (rc || !*renewed)
        return rc;
    struct file_meta meta = FILE_META_DEFAULT;
    if (!same)
        rc = file_publish(renewal->root, LOADER_CACHE, renewal->with.data, renewal->with.size,
                          &meta, err);
    return rc ? rc : make_without(renewal, ours, err);
}

/* What is in place was made without the bake's libraries, whoever made it. */
static int renew_parked(struct renewal *renewal, bool *renewed, struct error *err) {
    *renewed = !loader_store_in_place(renewal->root, renewal->cache);
    if (!*renewed)
        return 0;
    loader_store_record(renewal->root, renewal->cache);
    loader_store_record_without(renewal->root, LOADER_CACHE, renewal->cache);
    return loader_store_drop(renewal->root, &renewal->paths, err);
}

int loader_variants_renew(const struct root *root, const char *store, const struct strlist *ours,
                          struct loader_cache *cache, bool *renewed, struct error *err) {
    AUTO(release) struct renewal renewal = {.root = root, .store = store, .cache = cache};
    *renewed = false;
    if (!cache->used && ours->count == 0)
        return 0;
    int rc = loader_store_locate(store, &renewal.paths, err);
    if (!rc)
        rc = ldconfig_settle(root, store, err);
    if (!rc)
        rc = loader_store_sweep(root, err);
    if (rc)
        return rc;
    return cache->parked ? renew_parked(&renewal, renewed, err)
                         : renew_active(&renewal, ours, renewed, err);
}
