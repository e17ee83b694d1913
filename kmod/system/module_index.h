/*
 * A kernel's module index (modules.dep and its siblings): always the real depmod's output. The
 * store keeps the variant that is not in place, so that switching is renames.
 */
#ifndef KMOD_MODULE_INDEX_H
#define KMOD_MODULE_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/root.h"

/* One index file as it was put in place; absent ones have name only. */
struct module_index_file {
    char *name; /* "modules.dep" */
    bool with_present;
    uint64_t with_inode; /* of the file in place after the bake */
    int64_t with_ctime_ns;
    bool without_present; /* there was one before the bake */
};

struct module_index {
    char *kernel;
    struct module_index_file *files;
    size_t count;
    bool stale; /* a fresh depmod without our modules would not give "without" */
};

/*
 * Keeps what is in /lib/modules/KERNEL as the "without" variant in `store` (a directory inside the
 * root, "/var/lib/prebake/store"): hard links, so that inode, times and attributes come back; a
 * copy with all of them where the store is on another file system.
 */
int module_index_keep(const struct root *root, const char *kernel, const char *store,
                      struct error *err) MUST_CHECK;

/*
 * Runs depmod for the kernel as the tree is now (-b ROOT, -C for each of the root's own depmod.d
 * folders, umask 022) into a staging folder of the store and publishes each file. Fills `index`.
 */
int module_index_build(const struct root *root, const char *kernel, const char *store,
                       struct module_index *index, struct error *err) MUST_CHECK;

/* Reads back inode and ctime of what is in place now into index->files (after other renames). */
int module_index_record(const struct root *root, struct module_index *index,
                        struct error *err) MUST_CHECK;

/*
 * Puts "without" in place: the kept files by rename when the files in place are the recorded ones,
 * else by running depmod (then *fell_back is set). A kernel whose /lib/modules folder is gone is
 * nothing to do. Killed anywhere and run again it ends the same.
 */
int module_index_restore(const struct root *root, const struct module_index *index,
                         const char *store, bool *fell_back, struct error *err) MUST_CHECK;

/* Runs depmod in place for one kernel. */
int module_index_refresh(const struct root *root, const char *kernel, struct error *err) MUST_CHECK;

void module_index_release(struct module_index *index);

#endif
