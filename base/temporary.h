/*
 * Private folders for temporary files, on this machine. Each is locked while it is used: one whose
 * lock is free was left by a run that was killed, and the next that makes a folder there removes
 * it. An image that is baked from inside (--root /) keeps nothing of an interrupted bake so.
 */
#ifndef BASE_TEMPORARY_H
#define BASE_TEMPORARY_H

#include "base/error.h"

/* All zero is none. */
struct temporary {
    char *path;
    int lock; /* the folder, open and locked; valid with a path */
};

/* Where large temporary files go: $TMPDIR, or /var/tmp, as /tmp is often memory. */
const char *temporary_base(void);

/*
 * Makes a fresh folder, 0700, in `base` (NULL: temporary_base()). The caller removes it with
 * temporary_remove(), or lets it be with temporary_keep() when it has moved it elsewhere.
 */
int temporary_make(const char *base, struct temporary *temporary, struct error *err) MUST_CHECK;

/* Removes the folder with all it holds; one that can't be removed is a warning. */
void temporary_remove(struct temporary *temporary);
#define AUTO_TEMPORARY AUTO(temporary_remove)

void temporary_keep(struct temporary *temporary);

#endif
