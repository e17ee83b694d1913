/*
 * A kernel's module index (modules.dep and its siblings): always the real depmod's output. The
 * store keeps what was there before the bake, so that going back is renames:
 *
 *     <store>/index/<kernel>/without/<name>   the file from before the bake; absent ones are absent
 *     <store>/index/<kernel>/with/<name>      while the bake is parked (index_parking.h)
 *     <store>/index/<kernel>/published        which names the bake replaces, "<name>=kept|absent"
 *     <store>/index/<kernel>/tree             what the module tree was (index_tree.h)
 *     <store>/index/<kernel>/staging/         only while depmod runs
 *
 * `store` is a private directory inside the root ("/var/lib/prebake/store"); `kernel` must pass
 * path_component_check(). Durability is the caller's one file_sync_fs().
 *
 * The order of a bake:      keep (no module placed yet), place modules, build, other steps;
 *                           any failure in between, or a killed bake found later: undo.
 * The order of a teardown:  restore every kernel, remove the module files, then refresh the kernels
 *                           that restore said need it.
 */
#ifndef KMOD_MODULE_INDEX_H
#define KMOD_MODULE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/root.h"

/* One index file that the bake replaces. */
struct module_index_file {
    char *name;     /* "modules.dep" */
    uint64_t inode; /* the file in place: its identity; 0 for none, while parked */
    int64_t ctime_ns;
    bool without_present; /* there was one before the bake */
    int64_t without_mtime_ns;
};

/* What a bake must remember of one kernel's index; kept in the facts. */
struct module_index {
    char *kernel;
    struct module_index_file *files; /* by name */
    size_t count;
    bool stale; /* before the bake there was an index, and a fresh depmod would not have given it */
};

/*
 * Keeps what is in /lib/modules/KERNEL as the "without" variant: hard links, so that inode, times
 * and attributes come back; a copy with all of them where the store is on another file system.
 * Everything or nothing is kept. Runs depmod once, for index->stale: call it before any module is
 * placed. Fills `index` (kernel, stale); the caller releases it.
 * ERROR_REFUSED: an earlier bake's index is still kept, undo or restore it first. ERROR_DEPENDENCY:
 * no depmod on this machine. ERROR_DAMAGED: depmod failed; its words are in the sentence.
 */
int module_index_keep(const struct root *root, const char *kernel, const char *store,
                      struct module_index *index, struct error *err) MUST_CHECK;

/*
 * Runs depmod for the kernel as the tree is now and publishes each file that it wrote, 0644
 * root:root, modules.dep.bin last: until then modprobe resolves what it resolved before. Fills
 * index->files. After a failure the caller calls module_index_undo().
 */
int module_index_build(const struct root *root, const char *store, struct module_index *index,
                       struct error *err) MUST_CHECK;

/*
 * Puts back what a bake that has no record (it failed or was killed) replaced, and drops the kept
 * files. Nothing kept is nothing to do. Killed anywhere and run again it ends the same.
 */
int module_index_undo(const struct root *root, const char *kernel, const char *store,
                      struct error *err) MUST_CHECK;

/*
 * Puts "without" in place by renames when each file in place is the recorded one (inode and ctime)
 * and the module tree is what it was, or when it is back already; modules.dep.bin first, so that
 * from the first rename on nothing of ours is resolved. When someone ran depmod or changed the tree
 * since, nothing in place is changed, what was kept is dropped and *needs_refresh says so:
 * index_refresh() has to run after the module files are gone.
 * Either way nothing of this kernel's index remains in the store. A kernel whose /lib/modules
 * folder is gone, or all of its index, needs nothing. Killed anywhere and run again, any number of
 * times, it ends the same; after the kept files are gone it still tells whether the files in place
 * are those of before.
 */
int module_index_restore(const struct root *root, const struct module_index *index,
                         const char *store, bool *needs_refresh, struct error *err) MUST_CHECK;

void module_index_release(struct module_index *index);
#define AUTO_MODULE_INDEX AUTO(module_index_release)

#endif
