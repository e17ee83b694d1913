/* A bake whose layout is about to change: its records, read once, and what both ways do alike. */
#ifndef KMOD_LAYOUT_CHANGE_H
#define KMOD_LAYOUT_CHANGE_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/marker.h"
#include "kmod/lifecycle/removal.h"
#include "kmod/lifecycle/state_word.h"

struct layout_change {
    const struct root *root;
    enum state_word word;
    bool resumed; /* another run was killed while things moved: contents are looked at */
    struct marker marker;
    struct manifest manifest;
    struct facts facts;
    struct removal removal; /* whose the paths in their places are */
    struct ownership_packages packages;
};

/*
 * Reads the records and removes what a killed run had copied half; the caller holds the lock and
 * releases. ERROR_MISMATCH: no bake. ERROR_REFUSED, ERROR_DAMAGED: a record is not to be believed.
 * ERROR_INCOMPLETE: a teardown has begun.
 */
int layout_change_open(struct layout_change *change, const struct root *root,
                       struct error *err) MUST_CHECK;

/* The same error for a root without a state folder. */
int layout_change_no_bake(const struct root *root, struct error *err);

/* Writes the facts, puts them on disk with all that was changed, then the word. */
int layout_change_publish(struct layout_change *change, enum state_word word,
                          struct error *err) MUST_CHECK;

/* Puts the word on disk. */
int layout_change_say(struct layout_change *change, enum state_word word,
                      struct error *err) MUST_CHECK;

void layout_change_release(struct layout_change *change);
#define AUTO_LAYOUT_CHANGE AUTO(layout_change_release)

#endif
