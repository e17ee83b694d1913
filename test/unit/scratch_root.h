/* A root directory that a test makes and removes. Every function ends the program when it can't do
 * its work: a fixture that is not there must not look like a test that passed. */
#ifndef TEST_SCRATCH_ROOT_H
#define TEST_SCRATCH_ROOT_H

#include <stddef.h>

#include "base/root.h"

/* Makes an empty root below /tmp and opens it. */
void scratch_root_make(struct root *root);

/* Removes it with all it holds and closes it. */
void scratch_root_remove(struct root *root);

/* Each path is inside the root; missing parents are made, 0755. */
void scratch_root_dir(const struct root *root, const char *path);
void scratch_root_write(const struct root *root, const char *path, const char *text);
void scratch_root_write_bytes(const struct root *root, const char *path, const void *data,
                              size_t size);
void scratch_root_link(const struct root *root, const char *path, const char *target);

/* Copies a file of this machine, links followed. */
void scratch_root_copy(const struct root *root, const char *path, const char *from);

/* Compiles C source text with gcc and the given extra arguments (NULL-terminated, or NULL). */
void scratch_root_compile(const struct root *root, const char *path, const char *source,
                          const char *const *arguments);

/* `path` on this machine. Valid until the program ends. */
const char *scratch_root_host(const struct root *root, const char *path);

/* Runs a program of this machine that must succeed (NULL-terminated arguments). */
void scratch_root_run(const char *program, ...);

#endif
