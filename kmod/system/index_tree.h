/*
 * What a kernel's module tree was when its index was made, so that a change since then is noticed
 * although nobody ran depmod: adding, replacing or removing a file changes the ctime of the folder
 * it is in, and rewriting one where it is changes its own; nobody can set these.
 *
 *     <store>/index/<kernel>/tree         "<ctime in ns> <path below the kernel's folder>" for each
 *                                         folder, for each file directly in the kernel's folder,
 * and for each module in another of its folders than `kernel` <store>/index/<kernel>/tree.next
 * until the index that belongs to it is complete
 *
 * Index files and the links `build` and `source` do not count. Not noticed here is what is behind
 * links, and a module of the kernel's own (below `kernel`, some thousands) that is rewritten where
 * it is: package managers put a new file in an old one's place.
 */
#ifndef KMOD_INDEX_TREE_H
#define KMOD_INDEX_TREE_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/index_store.h"

/*
 * Notes the tree as it is now as tree.next: to be called before depmod reads it. A tree that can't
 * be noted (a mount in it, names with line breaks) is no error: then it always counts as changed.
 */
int index_tree_note(const struct root *root, const struct index_store *paths,
                    struct error *err) MUST_CHECK;

/*
 * The same where there is a note of the tree before: only folders that changed since are read, with
 * all below them, and of modules that changed the time is taken anew.
 */
int index_tree_note_again(const struct root *root, const struct index_store *paths,
                          struct error *err) MUST_CHECK;

/* The index that belongs to tree.next is complete: it takes its place. No tree.next is no error. */
int index_tree_commit(const struct root *root, const struct index_store *paths,
                      struct error *err) MUST_CHECK;

/* From here on the tree counts as changed, until the next commit. */
int index_tree_forget(const struct root *root, const struct index_store *paths,
                      struct error *err) MUST_CHECK;

/* Drops a tree.next that is not wanted. */
int index_tree_drop_note(const struct root *root, const struct index_store *paths,
                         struct error *err) MUST_CHECK;

/* Whether the tree is as it was noted; false where that can't be said. */
bool index_tree_unchanged(const struct root *root, const struct index_store *paths);

#endif
