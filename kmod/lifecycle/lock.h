/*
 * One command at a time in a root: flock(2) on the state folder's own descriptor, so that no lock
 * file is ever left behind and a killed holder frees it. What DKMS registered without a bake is
 * changed by one command at a time as well: there the folder is DKMS' own.
 */
#ifndef KMOD_LOCK_H
#define KMOD_LOCK_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"

#define LOCK_WAIT_DEFAULT 30 /* seconds */

struct lock {
    int fd; /* the folder, open for reading; −1 when not held */
};

#define LOCK_INIT                                                                                  \
    { .fd = -1 }

/*
 * Takes the lock, waiting up to `seconds` (0 tries once). −ENOENT without a sentence, and nothing
 * created, when the folder is missing. ERROR_LOCKED, −EWOULDBLOCK: not free in time; names the
 * holder's pid where /proc/locks tells. ERROR_REFUSED as state_folder_open(). A pending SIGINT or
 * SIGTERM ends the wait with −EINTR. What a killed holder was publishing in the folder is removed.
 * A folder that was replaced while waiting is locked anew; one that keeps being replaced is
 * ERROR_LOCKED, −ESTALE.
 */
int lock_take(const struct root *root, unsigned seconds, struct lock *lock,
              struct error *err) MUST_CHECK;

/* The same for a bake: makes the folder first; `created` as state_folder_make(). */
int lock_take_making(const struct root *root, unsigned seconds, struct strlist *created,
                     struct lock *lock, struct error *err) MUST_CHECK;

/*
 * The lock of /var/lib/dkms, which is never removed here: waits and fails as lock_take(). −ENOENT
 * without a sentence: there is no such folder. Whoever wants both locks takes the other one first.
 */
int lock_take_dkms(const struct root *root, unsigned seconds, struct lock *lock,
                   struct error *err) MUST_CHECK;

void lock_release(struct lock *lock);
#define AUTO_LOCK AUTO(lock_release)

#endif
