/*
 * Whether a file says itself that it is of a driver version: in its name ("libcuda.so.580.126.09")
 * or in its bytes (NVIDIA's programs carry the version as text).
 */
#ifndef KMOD_VERSION_PROOF_H
#define KMOD_VERSION_PROOF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* A file larger than this is not searched: it proves nothing. */
#define VERSION_PROOF_SIZE_MAX ((off_t)256 << 20)

/*
 * Whether `version` is long enough to prove anything: two or more numbers with dots between them,
 * the first of three digits or more ("535.261.03"). "1.0" stands in any program.
 */
bool version_proof_usable(const char *version);

/* Whether the file name is "<something>.<version>". */
bool version_proof_in_name(const char *name, const char *version);

/*
 * Whether `fd`, read from its start in bounded memory, holds the version as a number of its own:
 * not as a part of a longer one ("1535.261.03", "535.261.031", "535.261.03.1"). `name` is for the
 * sentence. Errors are I/O errors only.
 */
int version_proof_in_file(int fd, const char *name, const char *version, bool *found,
                          struct error *err) MUST_CHECK;

#define VERSION_PROOF_TEXT_SIZE 16

/*
 * The first text in `fd` that has the shape of NVIDIA's driver versions ("535.261.03": three
 * digits, two or three, two) and is no part of a longer number, or "". Errors and bounds as
 * version_proof_in_file().
 */
int version_proof_find(int fd, const char *name, char found[static VERSION_PROOF_TEXT_SIZE],
                       struct error *err) MUST_CHECK;

#endif
