/* Finding known build ids anywhere in a stream of bytes, with no look at what format it is: a build
 * id is long enough to be found nowhere by chance. */
#ifndef KMOD_BUILD_ID_SEARCH_H
#define KMOD_BUILD_ID_SEARCH_H

#include <stdbool.h>

#include "kmod/system/byte_stream.h"

#define BUILD_ID_SEARCH_BYTES_MIN 16 /* shorter ones are not looked for */
#define BUILD_ID_SEARCH_BYTES_MAX 64

struct build_id {
    uint8_t bytes[BUILD_ID_SEARCH_BYTES_MAX];
    size_t size;
};

struct build_id_search {
    struct build_id *ids;
    size_t count;
};

/* Adds one, from its hex form. One that is no hex number or of another size than above is passed
 * over. 0 or −ENOMEM. */
int build_id_search_add(struct build_id_search *search, const char *hex) MUST_CHECK;

/* Reads the source to its end, or until one is found. */
int build_id_search_run(const struct build_id_search *search, byte_source source, void *context,
                        bool *found, struct error *err) MUST_CHECK;

void build_id_search_release(struct build_id_search *search);

#endif
