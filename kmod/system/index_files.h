/* The files of one kernel's index that a bake put in place: which they are, and how to know them
 * again. */
#ifndef KMOD_INDEX_FILES_H
#define KMOD_INDEX_FILES_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/index_folders.h"
#include "kmod/system/index_store.h"
#include "kmod/system/module_index.h"

/*
 * Makes index->files anew from what the store says was there before: its note names them, its kept
 * files tell their times.
 */
int index_files_fill(const struct root *root, const struct index_store *paths,
                     struct module_index *index, struct error *err) MUST_CHECK;

/* The same while the bake is parked: `names` are those that the bake replaces when it is active,
 * and what is in place now, or is not, is what was there before. */
int index_files_fill_parked(const struct index_folders *folders, const struct strlist *names,
                            struct module_index *index, struct error *err) MUST_CHECK;

/* Reads inode and ctime of each file in place, 0 for one that is not there. */
void index_files_record_parked(const struct index_folders *folders, struct module_index *index);

/* Reads inode and ctime of each file in place. */
int index_files_record(const struct root *root, const struct index_store *paths,
                       struct module_index *index, struct error *err) MUST_CHECK;

/* The file of that name, or NULL. */
const struct module_index_file *index_files_find(const struct module_index *index,
                                                 const char *name);

/* The file in place is the recorded one; not one made anew with equal bytes. */
bool index_files_in_place(const struct index_folders *folders,
                          const struct module_index_file *file);

/* Whether one file of the index is in place; of a kernel that was purged none is. */
bool index_files_any(const struct index_folders *folders, const struct module_index *index);

/* Its "without" is in place: the file from before the bake, or none. */
bool index_files_back(const struct index_folders *folders, const struct module_index_file *file);

/* Its "without" is in the store, as it was kept, or was no file. */
bool index_files_kept(const struct index_folders *folders, const struct module_index_file *file);

/* Releases index->files. */
void index_files_forget(struct module_index *index);

#endif
