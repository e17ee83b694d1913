/*
 * Moving one path of a manifest between its place and the store (parked_store.h), no other path
 * ever overwritten. On one file system it is a rename. What can't be renamed, and what has setuid,
 * setgid or a file capability, becomes a new inode: copied under a temporary name beside its new
 * name, then owner, attributes and mode in that order, then renamed; when that is on disk the old
 * one goes. Killed in between, both are there, equal, or the temporary is left: see
 * relocation_temporary().
 */
#ifndef KMOD_RELOCATION_H
#define KMOD_RELOCATION_H

#include "base/error.h"
#include "base/parent_folder.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"

/* Where the last path came from and went to. */
struct relocation_folders {
    struct parent_folder from;
    struct parent_folder to;
};

#define RELOCATION_FOLDERS_INIT                                                                    \
    { .from = PARENT_FOLDER_INIT, .to = PARENT_FOLDER_INIT }

void relocation_folders_release(struct relocation_folders *folders);

struct relocation {
    const struct root *root;
    struct relocation_folders *folders; /* of one way; kept from one path to the next */
    const struct manifest_entry *entry; /* a file or a link */
    const struct facts_placed *placed;  /* its attributes while active; NULL when not known */
    const char *twin; /* another name of the same file that is moved already, or NULL */
};

/*
 * From its place to the store; what an earlier run left there under its name is replaced. Folders
 * of the store are made. I/O errors.
 */
int relocation_to_store(const struct relocation *relocation, struct error *err) MUST_CHECK;

/*
 * From the store to its place; a folder that was there before the bake and is gone is made again,
 * 0755. −EEXIST: something is in the place; −ENOENT: the store does not have it; both without a
 * sentence.
 */
int relocation_to_place(const struct relocation *relocation, struct error *err) MUST_CHECK;

/* Whether it has privileges while active, and so is a new inode after each move. */
bool relocation_is_privileged(const struct manifest_entry *entry,
                              const struct facts_placed *placed);

/* The name that a copy has in its new folder until it is whole: the path beside `path`; the caller
 * frees. NULL when out of memory. */
char *relocation_temporary(const char *path);

#endif
