#include "kmod/module/codec_xz.h"

#include <lzma.h>
#include <stdlib.h>

#define XZ_PRESET 6                 /* the xz tool's own default */
#define XZ_DICTIONARY (1U << 20)    /* kbuild: --lzma2=dict=1MiB */
#define XZ_MEMORY_MAX (128UL << 20) /* decoding `xz -9` needs 65 MiB */

static int encode(lzma_stream *stream, struct buffer *out, size_t bound, struct error *err) {
    stream->next_out = out->data + out->size;
    stream->avail_out = bound;
    lzma_ret status = lzma_code(stream, LZMA_FINISH);
    if (status == LZMA_MEM_ERROR)
        return error_oom(err, "compressing with xz");
    if (status != LZMA_STREAM_END)
        return error_set(err, ERROR_INTERNAL, EIO, "xz compression failed (liblzma status %d)",
                         (int)status);
    out->size += stream->total_out;
    out->data[out->size] = 0;
    return 0;
}

int codec_xz_pack(const void *data, size_t size, struct buffer *out, struct error *err) {
    lzma_options_lzma options;
    lzma_lzma_preset(&options, XZ_PRESET);
    options.dict_size = XZ_DICTIONARY;
    const lzma_filter filters[] = {
        {.id = LZMA_FILTER_LZMA2, .options = &options},
        {.id = LZMA_VLI_UNKNOWN},
    };
    AUTO(lzma_end) lzma_stream stream = LZMA_STREAM_INIT;
    size_t bound = lzma_stream_buffer_bound(size);
    if (lzma_stream_encoder(&stream, filters, LZMA_CHECK_CRC32) != LZMA_OK || bound == 0 ||
        buffer_reserve(out, bound))
        return error_oom(err, "compressing with xz");
    stream.next_in = data;
    stream.avail_in = size;
    return encode(&stream, out, bound, err);
}

static int decode_failure(lzma_ret status, const struct codec_sink *sink, struct error *err) {
    switch (status) {
    case LZMA_MEM_ERROR:
        return error_oom(err, "unpacking xz");
    case LZMA_MEMLIMIT_ERROR:
        return codec_sink_damaged(sink, "xz", "asks for more than 128 MiB of memory", err);
    case LZMA_BUF_ERROR: /* no input left and the end not reached */
        return codec_sink_damaged(sink, "xz", "ends early", err);
    case LZMA_OPTIONS_ERROR:
    case LZMA_UNSUPPORTED_CHECK:
        return codec_sink_damaged(sink, "xz", "uses options that liblzma does not know", err);
    default:
        return codec_sink_damaged(sink, "xz", "is damaged", err);
    }
}

int codec_xz_unpack(const void *data, size_t size, struct codec_sink *sink, struct error *err) {
    AUTO(lzma_end) lzma_stream stream = LZMA_STREAM_INIT;
    /* Without LZMA_CONCATENATED the decoder stops behind the first stream. */
    if (lzma_stream_decoder(&stream, XZ_MEMORY_MAX, LZMA_TELL_UNSUPPORTED_CHECK) != LZMA_OK)
        return error_oom(err, "unpacking xz");
    stream.next_in = data;
    stream.avail_in = size;
    lzma_ret status = LZMA_OK;
    while (status != LZMA_STREAM_END) {
        uint8_t chunk[CODEC_SINK_CHUNK];
        stream.next_out = chunk;
        stream.avail_out = sizeof chunk;
        status = lzma_code(&stream, LZMA_FINISH);
        if (status != LZMA_OK && status != LZMA_STREAM_END)
            return decode_failure(status, sink, err);
        int rc = codec_sink_write(sink, chunk, sizeof chunk - stream.avail_out, err);
        if (rc)
            return rc;
    }
    if (stream.avail_in > 0)
        return codec_sink_damaged(sink, "xz", "is followed by other bytes", err);
    return 0;
}

static const char *check_name(lzma_check check) {
    switch (check) {
    case LZMA_CHECK_NONE:
        return "none";
    case LZMA_CHECK_CRC32:
        return "crc32";
    case LZMA_CHECK_CRC64:
        return "crc64";
    case LZMA_CHECK_SHA256:
        return "sha256";
    default:
        return "unknown";
    }
}

/* What every block needs: the largest dictionary, and any other filter. */
static void describe_block(const uint8_t *header, size_t size, lzma_check check,
                           struct compression_parameters *parameters) {
    lzma_filter filters[LZMA_FILTERS_MAX + 1] = {{.id = LZMA_VLI_UNKNOWN}};
    lzma_block block = {.check = check, .filters = filters};
    block.header_size = size > 0 && *header ? lzma_block_header_size_decode(*header) : UINT32_MAX;
    if (block.header_size > size || lzma_block_header_decode(&block, NULL, header) != LZMA_OK)
        return;
    for (lzma_filter *filter = filters; filter->id != LZMA_VLI_UNKNOWN; filter++) {
        const lzma_options_lzma *options = filter->options;
        if (filter->id != LZMA_FILTER_LZMA2)
            parameters->filtered = true;
        else if (options->dict_size > parameters->window)
            parameters->window = options->dict_size;
        free(filter->options);
    }
}

/* The index before the footer says where the blocks are; NULL when it can't be read. */
static lzma_index *read_index(const uint8_t *data, size_t size) {
    lzma_stream_flags flags;
    lzma_index *index = NULL;
    uint64_t memory_max = XZ_MEMORY_MAX;
    if (size < 2 * LZMA_STREAM_HEADER_SIZE ||
        lzma_stream_footer_decode(&flags, data + size - LZMA_STREAM_HEADER_SIZE) != LZMA_OK ||
        flags.backward_size > size - 2 * LZMA_STREAM_HEADER_SIZE)
        return NULL;
    size_t at = size - LZMA_STREAM_HEADER_SIZE - (size_t)flags.backward_size;
    lzma_ret status = lzma_index_buffer_decode(&index, &memory_max, NULL, data, &at,
                                               size - LZMA_STREAM_HEADER_SIZE);
    return status == LZMA_OK ? index : NULL;
}

static void describe_blocks(const uint8_t *data, size_t size, lzma_check check,
                            const lzma_index *index, struct compression_parameters *parameters) {
    lzma_index_iter at;
    lzma_index_iter_init(&at, index);
    while (!lzma_index_iter_next(&at, LZMA_INDEX_ITER_BLOCK)) {
        if (at.block.compressed_file_offset >= size)
            continue;
        size_t offset = (size_t)at.block.compressed_file_offset;
        describe_block(data + offset, size - offset, check, parameters);
    }
}

/*
 *     0    stream header: magic, flags
 *     12   blocks, each with a header of its own that names its filters
 *          index of the blocks
 *     -12  footer: size of the index
 */
void codec_xz_describe(const void *data, size_t size, struct compression_parameters *parameters) {
    lzma_stream_flags flags;
    if (size < LZMA_STREAM_HEADER_SIZE || lzma_stream_header_decode(&flags, data) != LZMA_OK)
        return;
    lzma_index *index = read_index(data, size);
    parameters->check = index ? check_name(flags.check) : "unknown";
    if (index)
        describe_blocks(data, size, flags.check, index, parameters);
    lzma_index_end(index, NULL);
    parameters->sized = true; /* its index says so */
}
