/* Paths as text. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>

/* Whether `path` is in the folder, or in one that is in it; the folder itself is not. Links and
 * ".." are not looked at; "" holds nothing. */
bool path_is_below(const char *path, const char *folder);

/* The same, and the folder itself is in it. */
bool path_is_in(const char *path, const char *folder);

#endif
