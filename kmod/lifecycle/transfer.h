/*
 * Moving a bake's paths between their places and the store (parked_store.h), a class at a time; the
 * compat marker, which says that all the rest is there, is in none and goes alone. Every step can
 * be killed and run again: what is moved already stays where it is.
 */
#ifndef KMOD_TRANSFER_H
#define KMOD_TRANSFER_H

#include "base/error.h"
#include "kmod/lifecycle/removal.h"

/*
 * Moves to the store the files and links of one class that still are ours in their places
 * (removal_ownership()). Directories stay: removal_dirs() takes the empty ones.
 */
int transfer_to_store(const struct removal *removal, enum removal_class class,
                      struct error *err) MUST_CHECK;

/*
 * Makes the missing directories of one class and moves its files and links from the store to their
 * places. One that is in its place already, by a run that was killed, must be ours by its content.
 * ERROR_REFUSED (−EEXIST): somebody else's is in a place. ERROR_DAMAGED: one is in neither.
 */
int transfer_to_places(const struct removal *removal, enum removal_class class,
                       struct error *err) MUST_CHECK;

/* The same for the compat marker; a bake without one has nothing to move. */
int transfer_compat_to_store(const struct removal *removal, struct error *err) MUST_CHECK;
int transfer_compat_to_place(const struct removal *removal, struct error *err) MUST_CHECK;

/*
 * Records in `facts` the inode and time of each path where it is now: in the store, or in its
 * place. What is not there is not recorded: its content tells. With `resumed`, what lay about since
 * a run that was killed is recorded only when its content is the placed one. The attributes stay
 * those of the active layout.
 */
int transfer_record(const struct root *root, const struct manifest *manifest, struct facts *facts,
                    bool parked, bool resumed, struct error *err) MUST_CHECK;

/* The same, after more has been moved to its place, for what was not there yet. */
int transfer_record_more(const struct root *root, const struct manifest *manifest,
                         struct facts *facts, bool resumed, struct error *err) MUST_CHECK;

/* Removes the temporary copies that a run which was killed left beside places and in the store. */
int transfer_remove_temporaries(const struct removal *removal, struct error *err) MUST_CHECK;

/* Removes the store's folder of parked paths, with what is left in it. */
int transfer_clear_store(const struct root *root, struct error *err) MUST_CHECK;

#endif
