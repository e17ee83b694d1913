/*
 * The marker: a small `key=value` file that says "this image carries a bake". It gates every node
 * action, so it is the last thing a bake writes and the last thing a teardown removes.
 *
 *     format=1
 *     kernel=6.1.0-47-cloud-amd64
 *     driver_version=535.261.03
 *     driver_kind=cuda
 *     arch=x86_64
 *     module=nvidia-current-open
 *     manifest_sha256=<64 hex digits>
 */
#ifndef KMOD_MARKER_H
#define KMOD_MARKER_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/root.h"

#define MARKER_FORMAT 1
#define MARKER_SIZE_MAX (64 * 1024)

/* All owned; "" where the file has no such key. */
struct marker {
    char *kernel;
    char *driver_version;
    char *driver_kind;
    char *arch;
    char *module;          /* DKMS name of the source */
    char *manifest_sha256; /* of the manifest's bytes */
};

/*
 * Reads prebake's own marker. −ENOENT without a sentence when there is none. ERROR_REFUSED: the
 * file is not to be trusted (trusted_file.h), its format is newer than this program's, or a value
 * could not safely enter a path (driver_version is digits and dots, manifest_sha256 a digest, the
 * others one safe_name()). ERROR_DAMAGED: not `key=value` lines, a NUL byte, a key twice, no
 * format. Unknown keys are passed over.
 */
int marker_read(const struct root *root, struct marker *marker, struct error *err) MUST_CHECK;

/*
 * Reads another tool's marker at `path` (the four keys kernel, driver_version, driver_kind, arch):
 * the same checks; it needs no format and other keys are passed over.
 */
int marker_read_legacy(const struct root *root, const char *path, struct marker *marker,
                       struct error *err) MUST_CHECK;

/*
 * The same for text already in memory (`name` is for the sentences). `own` tells prebake's own
 * marker from a legacy one.
 */
int marker_parse(const char *text, size_t size, const char *name, bool own, struct marker *marker,
                 struct error *err) MUST_CHECK;

/* Publishes the marker, root:root 0644. ERROR_REFUSED for values that marker_read() would refuse.
 * A NULL or empty value gives `key=`. */
int marker_write(const struct root *root, const struct marker *marker,
                 struct error *err) MUST_CHECK;

/*
 * The text of a compat marker: the four keys that readers of other tools' markers know, for
 * `marker`. Errors as marker_write().
 */
int marker_format_compat(const struct marker *marker, struct buffer *out,
                         struct error *err) MUST_CHECK;

/* Whether two values are the same; one that is NULL or empty matches nothing, not even another. */
bool marker_matches(const char *baked, const char *wanted);

void marker_release(struct marker *marker);
#define AUTO_MARKER AUTO(marker_release)

#endif
