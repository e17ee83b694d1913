/*
 * Decompressing a stream of bytes. How it is done is the program's choice: by libarchive in
 * `prebake` (unpacker_library.h), by the system's own decompressors in `prebake-node`, which links
 * no such library (unpacker_programs.h).
 */
#ifndef KMOD_UNPACKER_H
#define KMOD_UNPACKER_H

#include <stdbool.h>

#include "kmod/system/packed_format.h"

/* A way to unpack; the functions are as those below. A format that it can't do is left to
 * unpacker_programs. */
struct unpacking {
    bool (*can)(enum packed_format format);
    bool (*finds_end)(enum packed_format format);
    int (*open)(void **state, enum packed_format format, byte_source source, void *context,
                const char *name, struct error *err);
    int (*read)(void *state, void *data, size_t size, size_t *got, struct error *err);
    uint64_t (*consumed)(const void *state);
    void (*close)(void *state);
};

/* From here on unpackers are opened this way; until then it is unpacker_programs. */
void unpacker_use(const struct unpacking *unpacking);

/* Whether an unpacker of the format stops at the end of the stream by itself, whatever follows, and
 * unpacker_consumed() says where that was. */
bool unpacker_finds_end(enum packed_format format);

struct unpacker;

/*
 * Begins to unpack what `source` gives, in the format that its first bytes tell. `name` is for
 * sentences and stays the caller's. The caller closes. ERROR_DAMAGED: none of the formats.
 * ERROR_DEPENDENCY: the program for it is missing.
 */
int unpacker_open(struct unpacker **unpacker, byte_source source, void *context, const char *name,
                  struct error *err) MUST_CHECK;

/* The same for what is known to be of that format. */
int unpacker_open_format(struct unpacker **unpacker, enum packed_format format, byte_source source,
                         void *context, const char *name, struct error *err) MUST_CHECK;

/* A byte_source; the context is the unpacker. ERROR_DAMAGED: a broken stream. Memory is bounded by
 * the formats' own windows, 128 MiB for zstd, 1 GiB for xz. */
int unpacker_read(void *unpacker, void *data, size_t size, size_t *got,
                  struct error *err) MUST_CHECK;

/* How many bytes of the source the unpacked stream was; after its end. */
uint64_t unpacker_consumed(const struct unpacker *unpacker);

void unpacker_close(struct unpacker **unpacker);
#define AUTO_UNPACKER AUTO(unpacker_close)

#endif
