/*
 * The dynamic loader's cache of a root, /etc/ld.so.cache: always the real ldconfig's output. While
 * a bake has libraries on the loader's path the store keeps what was there before, so that going
 * back is a rename:
 *
 *     <store>/loader/ld.so.cache   the file from before the bake
 *     <store>/loader/absent        instead of it: there was none. With neither, all is back
 *     <store>/loader/with          while the bake is parked: what stands in place while active
 *     <store>/loader.new/          until all is kept
 *     <store>/ldconfig/            only while ldconfig runs (ldconfig.h)
 *
 * `store` is a private directory inside the root ("/var/lib/prebake/store"). Durability is the
 * caller's one file_sync_fs().
 *
 *     a bake:                 keep (nothing placed yet) → place files → build; any failure in
 *                             between, or a killed bake found later: undo
 *     a teardown:             remove the files → restore → refresh, when restore says so
 *     parking, activating:    move the files → loader_cache_park(), loader_cache_activate()
 *                             → the caller writes the facts
 */
#ifndef KMOD_LOADER_CACHE_H
#define KMOD_LOADER_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/root.h"

#define LOADER_CACHE "/etc/ld.so.cache"

/* What a bake must remember of the cache; kept in the facts. */
struct loader_cache {
    bool used;      /* with the bake active the cache is another one than without */
    bool parked;    /* "without" is in place */
    uint64_t inode; /* of the file in place: its identity; 0 for none, or none that is known */
    int64_t ctime_ns;
    bool without_present; /* there was one before the bake */
    int64_t without_mtime_ns;
};

/* Whether a path can make ldconfig write another cache: a library, or its configuration. */
bool loader_cache_matters(const char *path);

/*
 * Keeps what is in place as "without", all or nothing. Fills `cache`. ERROR_REFUSED: an earlier
 * bake's is still kept, undo or restore it first.
 */
int loader_cache_keep(const struct root *root, const char *store, struct loader_cache *cache,
                      struct error *err) MUST_CHECK;

/*
 * Runs ldconfig for the root as it is now and publishes what it wrote, 0644 root:root, as "with".
 * Where that is what is in place already, nothing changes, nothing stays kept, and cache->used is
 * false. After a failure the caller calls loader_cache_undo(). Errors as ldconfig_run().
 */
int loader_cache_build(const struct root *root, const char *store, struct loader_cache *cache,
                       struct error *err) MUST_CHECK;

/* Puts back what a bake that has no record replaced. Nothing kept is nothing to do. Killed anywhere
 * and run again it ends the same. */
int loader_cache_undo(const struct root *root, const char *store, struct error *err) MUST_CHECK;

/*
 * Puts "without" in place by a rename when what is there is the recorded file (inode and ctime), or
 * is back already. When someone ran ldconfig since, nothing in place is changed and *needs_refresh
 * says so: loader_cache_refresh() has to run after the libraries are gone. Either way nothing
 * remains in the store. Killed anywhere and run again, any number of times, it ends the same.
 */
int loader_cache_restore(const struct root *root, const struct loader_cache *cache,
                         const char *store, bool *needs_refresh, struct error *err) MUST_CHECK;

/* Whether what is in place is still the recorded file that names the bake's libraries. */
bool loader_cache_is_with(const struct root *root, const struct loader_cache *cache);

/* Runs ldconfig for the root as it is now and publishes what it wrote where that is another cache.
 * A root without a cache gets none. */
int loader_cache_refresh(const struct root *root, const char *store, struct error *err) MUST_CHECK;

/*
 * The libraries were taken off the loader's path: puts "without" in place and keeps "with" in the
 * store; what is not the recorded file is made anew by ldconfig. Records in `cache` what is in
 * place now. A bake that is parked, or does not use the cache, has nothing to do. Killed anywhere
 * and run again it ends the same.
 */
int loader_cache_park(const struct root *root, const char *store, struct loader_cache *cache,
                      struct error *err) MUST_CHECK;

/* The reverse: the libraries are in their places again. */
int loader_cache_activate(const struct root *root, const char *store, struct loader_cache *cache,
                          struct error *err) MUST_CHECK;

#endif
