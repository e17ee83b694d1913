/* Whether there is room for what is going to be placed. */
#ifndef KMOD_PLACING_SPACE_H
#define KMOD_PLACING_SPACE_H

#include "kmod/lifecycle/placing.h"

/*
 * Adds up what each file system of the root is going to hold, and compares with what is free there.
 * ERROR_NO_SPACE names the folder, what is needed and what there is.
 */
int placing_space_check(const struct placing *placing, const struct root *root,
                        struct error *err) MUST_CHECK;

#endif
