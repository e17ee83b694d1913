/* Names and paths read from a state file that are about to be acted on. */
#ifndef KMOD_SAFE_NAME_H
#define KMOD_SAFE_NAME_H

#include <stdbool.h>

/* path_component_check() as a yes or no: one component of a path, one word of a message. */
bool safe_name(const char *name);

/*
 * Whether `path` is absolute and canonical in form: begins with '/', is not "/" itself, has no
 * empty, "." or ".." component, none longer than 255 bytes, shorter than PATH_MAX. Says nothing of
 * links on the way.
 */
bool safe_name_path(const char *path);

/* Whether `text` is a SHA-256 as prebake writes it: 64 lower-case hexadecimal digits. */
bool safe_name_sha256(const char *text);

#endif
