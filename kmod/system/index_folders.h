/* The folders that hold the variants of one kernel's index, open: many files are looked at in each,
 * and proving a folder to be root's alone takes some calls for each of its parents. */
#ifndef KMOD_INDEX_FOLDERS_H
#define KMOD_INDEX_FOLDERS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/index_store.h"

/* −1: there is none. They stay valid when the folder itself is renamed. */
struct index_folders {
    int place;   /* /lib/modules/K */
    int without; /* of the store: what was there before the bake */
    int with;    /* of the store: the bake's, while it is parked */
};

/* Opens those that are there. ERROR_REFUSED: one is not root's alone. */
int index_folders_open(const struct root *root, const struct index_store *paths,
                       struct index_folders *folders, struct error *err) MUST_CHECK;
void index_folders_close(struct index_folders *folders);
#define AUTO_INDEX_FOLDERS AUTO(index_folders_close)

/* lstat() of `name` in one of them. 0 or −errno without a sentence; −ENOENT when there is none. */
int index_folders_stat(int folder, const char *name, struct stat *st) MUST_CHECK;

/*
 * Puts one file back: the kept one, or its absence when there was none before. One that is back
 * already stays.
 */
int index_folders_put_back(const struct index_folders *folders, const char *name, bool was_present,
                           struct error *err) MUST_CHECK;

#endif
