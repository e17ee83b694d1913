/*
 * What a bake is about to place, written down before it does, so that a bake that was killed can be
 * taken back: by itself when a step fails, by the next bake when it was killed.
 *
 * Every path is first made under a temporary name beside its place (".NAME.prebake-TOKEN") and
 * then renamed; a rename keeps the inode, so a path in its place is ours exactly when it has the
 * inode that the journal recorded for the temporary.
 */
#ifndef KMOD_JOURNAL_H
#define KMOD_JOURNAL_H

#include <stdint.h>

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"

#define JOURNAL_TOKEN_SIZE 9 /* 8 hex digits and the NUL */

struct journal_item {
    char *path;     /* canonical, inside the root */
    uint64_t inode; /* of what was made for it; 0 when it is not made yet */
};

struct journal {
    char token[JOURNAL_TOKEN_SIZE];
    struct strlist dirs; /* directories that did not exist, outermost first */
    struct journal_item *items;
    size_t item_count;
    struct strlist kernels; /* whose index is going to be switched */
};

/* A new, empty journal with a random token. */
int journal_begin(struct journal *journal, struct error *err) MUST_CHECK;

int journal_add_item(struct journal *journal, const char *path, struct error *err) MUST_CHECK;

/* The temporary name beside `path`: the caller frees; NULL when out of memory. */
char *journal_temporary(const struct journal *journal, const char *path);

/* Publishes the journal in the state folder. */
int journal_write(const struct root *root, const struct journal *journal,
                  struct error *err) MUST_CHECK;

/* −ENOENT without a sentence when there is none. ERROR_DAMAGED, ERROR_REFUSED as facts_read(). */
int journal_read(const struct root *root, struct journal *journal, struct error *err) MUST_CHECK;

/*
 * Removes what the journal says was made: temporaries, placed paths that still have the recorded
 * inode, then directories that are empty. What was placed last goes first, then indexes go back.
 * Goes on past failures and returns the first; run again it does the rest. The journal file itself
 * stays: the caller removes it with the rest of the state.
 */
int journal_roll_back(const struct root *root, const struct journal *journal,
                      struct error *err) MUST_CHECK;

void journal_release(struct journal *journal);
#define AUTO_JOURNAL AUTO(journal_release)

#endif
