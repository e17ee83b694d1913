/*
 * A kernel's index when its bake is parked: "without" is in place, and what is in place while the
 * bake is active waits in the store,
 *
 *     <store>/index/<kernel>/with/<name>
 *
 * so that both ways are renames. Each file changes places with its other variant in one
 * renameat2(RENAME_EXCHANGE), so that modprobe finds an index at every moment.
 *
 *     index_parking_park → the module files go → index_parking_settle → the caller writes the facts
 *     index_parking_can_activate → the module files come → index_parking_activate
 *       → the caller writes the facts → index_variants_commit (index_variants.h)
 *
 * What can't be switched is made by the real depmod: after parking by index_refresh(), after
 * activating by index_variants_renew().
 */
#ifndef KMOD_INDEX_PARKING_H
#define KMOD_INDEX_PARKING_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/depmod_staging.h"
#include "kmod/system/module_index.h"

/*
 * Puts "without" in place and keeps what was there, modules.dep.bin first. Where it can't be
 * switched (see module_index_restore()) nothing in place is changed, what was kept is dropped, and
 * *needs_refresh says so. Where the store is on another file system "without" is put in place and
 * nothing is kept. Killed anywhere and run again it ends the same.
 */
int index_parking_park(const struct root *root, const struct module_index *index, const char *store,
                       bool *needs_refresh, struct error *err) MUST_CHECK;

/* The module files are gone: records what the index and the tree are now, in `index` and in the
 * store. */
int index_parking_settle(const struct root *root, struct module_index *index, const char *store,
                         struct error *err) MUST_CHECK;

/* Whether index and tree are as they were settled, and each file's other variant is kept: to be
 * asked before a module file is placed. */
bool index_parking_can_activate(const struct root *root, const struct module_index *index,
                                const char *store);

/*
 * The module files are placed: puts "with" in place, modules.dep.bin last, and records what is in
 * place; only for an index that could be activated. Nothing is committed.
 */
int index_parking_activate(const struct root *root, struct module_index *index, const char *store,
                           struct error *err) MUST_CHECK;

/* Drops what a run that did not come to its end left of "with": depmod makes it. */
int index_parking_forget(const struct root *root, const char *kernel, const char *store,
                         struct error *err) MUST_CHECK;

/*
 * Brings both variants up to date while the bake is parked, as index_variants_renew() does for an
 * active one. `parked` shows the bake's module files of that kernel in their places. *renewed is
 * false when all was as recorded; else the caller writes the facts and commits.
 */
int index_parking_renew(const struct root *root, struct module_index *index, const char *store,
                        const struct depmod_view *parked, bool *renewed,
                        struct error *err) MUST_CHECK;

#endif
