/*
 * A folder of a parked bake that goes to its place as a whole: one rename instead of one for each
 * path (a driver's source has hundreds).
 */
#ifndef KMOD_WHOLE_FOLDER_H
#define KMOD_WHOLE_FOLDER_H

#include "kmod/lifecycle/relocation.h"
#include "kmod/lifecycle/removal.h"

/*
 * Moves the folder that entry `i` of the manifest is, and all below it, from the store to its
 * place, and gives its directories their owner, attributes and mode. `moved` is how many entries
 * that were; 0, and nothing was changed: the place is taken, the store has less or more in the
 * folder than the manifest lists, something in it is of another class than the folder or needs a
 * new inode (relocation.h), it is on another file system, or another run was killed while things
 * moved. Then path by path is the way, and that tells what is wrong. What is listed must be in the
 * store as the bake put it there (bake_check_paths()): here names are counted. I/O errors.
 */
int whole_folder_to_place(const struct removal *removal, size_t i,
                          struct relocation_folders *folders, size_t *moved,
                          struct error *err) MUST_CHECK;

#endif
