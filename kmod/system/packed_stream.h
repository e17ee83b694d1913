/*
 * One compressed stream among other bytes: where it ends is read from the format itself, so that a
 * decompressor can be given all of it and nothing else. Few of them say where they stopped, and
 * some take what follows for damage.
 *
 *     input: … [ look | bytes to give … | look | bytes to give … ] whatever follows
 *
 * Nothing is checked here that the decompressor checks: one that is given too much or too little
 * says so.
 */
#ifndef KMOD_PACKED_STREAM_H
#define KMOD_PACKED_STREAM_H

#include "kmod/system/deflate_blocks.h"
#include "kmod/system/packed_format.h"

struct packed_stream;

/*
 * What each format has: looks at the next bytes of the input, which it takes none of, sets `left`
 * to how many are to be given before the next look, and `step` to what looks then, NULL after the
 * last.
 */
typedef int (*packed_step)(struct packed_stream *stream, struct error *err);

struct packed_stream {
    struct byte_stream input;
    const char *name; /* for sentences */
    enum packed_format format;
    packed_step step;
    uint64_t left;
    uint64_t given;
    union { /* what the format's steps have to know of each other */
        struct {
            size_t checksum; /* its size */
        } zstd;
        struct {
            size_t block_checksum, checksum; /* their sizes */
        } lz4;
        struct {
            size_t check;     /* its size */
            uint64_t numbers; /* of the index, that follow */
        } xz;
        struct {
            uint8_t flags; /* of the parts of the header that follow */
            struct deflate_blocks blocks;
        } gzip;
        struct {
            uint64_t window; /* the last bytes */
        } bzip2;
        struct {
            size_t checksums, packed_checksums; /* their sizes */
        } lzop;
    };
};

/*
 * Begins at the first byte that `source` gives. `name` stays the caller's; the caller closes.
 * ERROR_DAMAGED: none of the formats.
 */
int packed_stream_open(struct packed_stream **stream, byte_source source, void *context,
                       const char *name, struct error *err) MUST_CHECK;

/* From here on the stream is all that follows: for a decompressor that finds the end itself, which
 * is less work than reading it from the headers. */
void packed_stream_give_all(struct packed_stream *stream);

/* A byte_source; the context is the stream. ERROR_DAMAGED: the input ends before it does, or a
 * header in it is none. Where an lzma stream ends is not said anywhere: it is all that follows. */
int packed_stream_read(void *stream, void *data, size_t size, size_t *got,
                       struct error *err) MUST_CHECK;

/* How many bytes it was, when it is at its end; less than that before. */
uint64_t packed_stream_given(const struct packed_stream *stream);

void packed_stream_close(struct packed_stream **stream);
#define AUTO_PACKED_STREAM AUTO(packed_stream_close)

/* For steps: at least `size` of the next bytes, or ERROR_DAMAGED where there are fewer. */
int packed_stream_look(struct packed_stream *stream, size_t size, const uint8_t **data,
                       struct error *err) MUST_CHECK;

/* The same for as many as there are at hand, at least one. */
int packed_stream_look_at_held(struct packed_stream *stream, const uint8_t **data, size_t *held,
                               struct error *err) MUST_CHECK;

/* For steps: ERROR_DAMAGED. */
int packed_stream_damaged(const struct packed_stream *stream, const char *what, struct error *err);

#endif
