/*
 * Removing prebake itself from a system that carries no bake (any more): all that is in its state
 * folder, then the program prebake-node when a bake put it there, then the folder.
 */
#ifndef KMOD_PURGE_H
#define KMOD_PURGE_H

#include "base/error.h"
#include "base/root.h"

/*
 * Waits up to `lock_wait` seconds for another command. A bake that was killed before its end is
 * taken back first. The program goes under the lock, so that no bake ever is without it, and after
 * everything else is on disk. ERROR_INCOMPLETE: the system carries a bake, nothing was removed.
 * ERROR_LOCKED, ERROR_REFUSED as lock_take().
 */
int purge_run(const struct root *root, unsigned lock_wait, struct error *err) MUST_CHECK;

#endif
