/*
 * The store's folder of one kernel's index: what was in place before the bake, and which files the
 * bake replaces. The layout is in kmod/system/module_index.h.
 */
#ifndef KMOD_INDEX_STORE_H
#define KMOD_INDEX_STORE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/keyvalue.h"
#include "base/root.h"

/* modprobe resolves through this one alone: it is published last and put back first. */
#define INDEX_DEPENDENCIES "modules.dep.bin"

#define INDEX_KEPT "kept"     /* in `published`: there was one before */
#define INDEX_ABSENT "absent" /* there was none */

/* Paths inside the root; all owned. */
struct index_store {
    char *kernel_dir; /* /lib/modules/K */
    char *index_dir;  /* <store>/index */
    char *folder;     /* <store>/index/K */
    char *without;    /* <store>/index/K/without */
    char *with;       /* <store>/index/K/with */
    char *keeping;    /* the name of `without` while it is filled */
    char *published;  /* <store>/index/K/published */
    char *tree;       /* <store>/index/K/tree */
    char *tree_next;  /* <store>/index/K/tree.next */
    char *staging;    /* <store>/index/K/staging */
};

int index_store_locate(const char *kernel, const char *store, struct index_store *paths,
                       struct error *err) MUST_CHECK;
void index_store_release(struct index_store *paths);
#define AUTO_INDEX_STORE AUTO(index_store_release)

/* A path below one of these; the caller frees. NULL when out of memory. */
char *index_store_path(const char *folder, const char *name);

/* lstat() of `name` in `folder`. 0 or −errno without a sentence. */
int index_store_stat(const struct root *root, const char *folder, const char *name,
                     struct stat *st) MUST_CHECK;

/* Reads the regular file `name` of `folder`, at most 256 MiB. */
int index_store_read(const struct root *root, const char *folder, const char *name,
                     struct buffer *content, struct error *err) MUST_CHECK;

/* Opens a directory that is about to be changed. ERROR_REFUSED: it is not root's alone. */
int index_store_open(const struct root *root, const char *path, int *fd,
                     struct error *err) MUST_CHECK;

/* Keeps every index file of the kernel, all or nothing, in a fresh folder. */
int index_store_keep(const struct root *root, const struct index_store *paths,
                     struct error *err) MUST_CHECK;

/* Writes which of `names` were there before. */
int index_store_note(const struct root *root, const struct index_store *paths,
                     const struct strlist *names, struct error *err) MUST_CHECK;

/* Drops what is kept of other files than `names`: no bake replaces them, and a second name would
 * show in their places. */
int index_store_keep_only(const struct root *root, const struct index_store *paths,
                          const struct strlist *names, struct error *err) MUST_CHECK;

/* Reads the note: names, INDEX_KEPT or INDEX_ABSENT. Empty when there is none. */
int index_store_read_note(const struct root *root, const struct index_store *paths,
                          struct keyvalue *note, struct error *err) MUST_CHECK;

/* Whether a name in the kernel's folder is that of a temporary that a killed run left. */
bool index_store_is_temporary(const char *name);

/* Removes those. */
int index_store_sweep(const struct root *root, const struct index_store *paths,
                      struct error *err) MUST_CHECK;

/* Removes the folder and <store>/index where they are empty. */
int index_store_tidy(const struct root *root, const struct index_store *paths,
                     struct error *err) MUST_CHECK;

/* Removes the folder with all it holds, and <store>/index when that was the last. */
int index_store_drop(const struct root *root, const struct index_store *paths,
                     struct error *err) MUST_CHECK;

#endif
