/* Whether two files hold the same bytes. */
#ifndef KMOD_SAME_CONTENT_H
#define KMOD_SAME_CONTENT_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Compares `name` of the directory `folder` with `other_name` of `other_folder`. No link is
 * followed; anything but two regular files is not the same, and so is a file that is not there.
 * Files of different sizes are not read. Errors are I/O errors only.
 */
int same_content(int folder, const char *name, int other_folder, const char *other_name, bool *same,
                 struct error *err) MUST_CHECK;

#endif
