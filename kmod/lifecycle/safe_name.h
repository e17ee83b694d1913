/* Names read from a file that are about to become one component of a path. */
#ifndef KMOD_SAFE_NAME_H
#define KMOD_SAFE_NAME_H

#include <stdbool.h>

/*
 * Whether `name` can be one component of a path and one word of a message: 1 to 255 printable ASCII
 * bytes, no white space, no '/', neither "." nor "..".
 */
bool safe_name(const char *name);

/*
 * Whether `path` is absolute and canonical in form: begins with '/', is not "/" itself, has no
 * empty, "." or ".." component, none longer than 255 bytes, shorter than PATH_MAX. Says nothing of
 * links on the way.
 */
bool safe_name_path(const char *path);

#endif
