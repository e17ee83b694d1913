/* A test's own folder: files in it, real tools run on them, all gone at the end. */
#ifndef TEST_UNIT_WORKDIR_H
#define TEST_UNIT_WORKDIR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

/* Makes and removes the folder; as CUnit suite set-up and tear-down (non-zero is a failure). */
int workdir_open(void);
int workdir_close(void);

/* The absolute path of `name` in the folder. One of eight static buffers, used in turn. */
const char *workdir_path(const char *name);

/* Each says on stderr what went wrong and returns false. */
bool workdir_write(const char *name, const void *data, size_t size);
bool workdir_read(const char *name, struct buffer *out);

/* Runs a program found in the fixed PATH or named absolutely, in the folder; true when it exits
 * with 0. The arguments end with NULL. */
bool workdir_run(const char *program, ...) __attribute__((sentinel));

/* As workdir_run(), with what the program printed. */
bool workdir_output(struct buffer *output, const char *program, ...) __attribute__((sentinel));

/* Compiles a small module-like object with .modinfo (name=small, vermagic=VERMAGIC) as `name`. */
bool workdir_module(const char *name, const char *vermagic);

/* The same numbers at every run. */
unsigned workdir_random(void);

#endif
