/* The one word that says how far a change has come (DESIGN section 3, "state"). */
#ifndef KMOD_STATE_WORD_H
#define KMOD_STATE_WORD_H

#include "base/error.h"
#include "base/root.h"

enum state_word {
    STATE_NONE, /* no word: nothing baked, or a bake that did not come to its end */
    STATE_ACTIVE,
    STATE_PARKED,
    STATE_ACTIVATING,
    STATE_PARKING,
    STATE_TEARING_DOWN,
};

/* As it stands in the file and in messages: "active" … "tearing-down"; "none" for STATE_NONE. */
const char *state_word_name(enum state_word word);

/*
 * A missing file or folder is STATE_NONE. ERROR_REFUSED when the file is not to be trusted
 * (trusted_file.h), ERROR_DAMAGED when it holds anything but one known word.
 */
int state_word_read(const struct root *root, enum state_word *word, struct error *err) MUST_CHECK;

/*
 * Publishes the word; STATE_NONE removes the file. The folder exists. The caller syncs the file
 * systems it changed before (a word must never be newer on disk than what it claims).
 */
int state_word_write(const struct root *root, enum state_word word, struct error *err) MUST_CHECK;

#endif
