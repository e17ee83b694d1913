/* The store's folder of the loader's cache, and telling its files apart. The layout is in
 * kmod/system/loader_cache.h. */
#ifndef KMOD_LOADER_STORE_H
#define KMOD_LOADER_STORE_H

#include "base/buffer.h"
#include "kmod/system/loader_cache.h"

/* Names in the folder. */
#define LOADER_STORE_WITHOUT "ld.so.cache"
#define LOADER_STORE_WITH "with"
#define LOADER_STORE_ABSENT "absent"

/* Paths inside the root; all owned. */
struct loader_store {
    char *folder;  /* <store>/loader */
    char *keeping; /* its name while it is filled */
    char *without; /* <store>/loader/ld.so.cache */
    char *with;    /* <store>/loader/with */
    char *absent;  /* <store>/loader/absent */
};

int loader_store_locate(const char *store, struct loader_store *paths,
                        struct error *err) MUST_CHECK;
void loader_store_release(struct loader_store *paths);
#define AUTO_LOADER_STORE AUTO(loader_store_release)

/* Keeps what is in place, all or nothing, in a fresh folder. */
int loader_store_keep(const struct root *root, const struct loader_store *paths,
                      struct error *err) MUST_CHECK;

/* Puts the kept file back in place, or its absence. One that is back already stays. */
int loader_store_put_back(const struct root *root, const struct loader_store *paths,
                          bool was_present, struct error *err) MUST_CHECK;

/* The same without a record of what there was: the folder tells, also after a run that was killed.
 */
int loader_store_undo(const struct root *root, const struct loader_store *paths,
                      struct error *err) MUST_CHECK;

/*
 * Exchanges what is in place with the kept file `from` of the folder, and calls that one `to` then;
 * without a kept file what is in place only leaves, without one in place the kept file only comes.
 * Errors of rename(2): −EXDEV when the store is on another file system.
 */
int loader_store_exchange(const struct root *root, const struct loader_store *paths,
                          const char *from, const char *to, struct error *err) MUST_CHECK;

/* Removes the folder, and what killed publications left in /etc. */
int loader_store_drop(const struct root *root, const struct loader_store *paths,
                      struct error *err) MUST_CHECK;
int loader_store_sweep(const struct root *root, struct error *err) MUST_CHECK;

/* Whether `path` is a regular file of exactly these bytes. */
int loader_store_has(const struct root *root, const char *path, const struct buffer *bytes,
                     bool *same, struct error *err) MUST_CHECK;

/* The file in place is the recorded one; for a record of none, there is none. */
bool loader_store_in_place(const struct root *root, const struct loader_cache *cache);

/* The file `path` is the recorded one, renamed or touched perhaps. */
bool loader_store_is_recorded(const struct root *root, const struct loader_cache *cache,
                              const char *path);

/* "without" is in place. */
bool loader_store_is_back(const struct root *root, const struct loader_store *paths,
                          const struct loader_cache *cache);

/* The file `path` has the time of "without". */
bool loader_store_is_without(const struct root *root, const struct loader_cache *cache,
                             const char *path);

/* Records what is in place: inode and ctime. */
void loader_store_record(const struct root *root, struct loader_cache *cache);

/* Records it as "without" as well. */
void loader_store_record_without(const struct root *root, const char *path,
                                 struct loader_cache *cache);

/* "without" is not kept: a teardown has to run ldconfig. */
void loader_store_record_unknown(struct loader_cache *cache);

#endif
