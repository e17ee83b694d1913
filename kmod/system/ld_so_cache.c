#include "kmod/system/ld_so_cache.h"

#include <limits.h>
#include <string.h>

#include "base/file.h"

#define SIZE_LIMIT (32U << 20)
#define MAGIC "glibc-ld.so.cache1.1"
#define HEADER_SIZE 48
#define ENTRY_SIZE 24
#define OLD_MAGIC "ld.so-1.7.0"
#define OLD_HEADER_SIZE 16
#define OLD_ENTRY_SIZE 12
#define ORDER_MASK 3
#define ORDER_HERE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 2 : 3)

enum { AT_COUNT = 20, AT_ORDER = 28, OLD_AT_COUNT = 12, ENTRY_AT_PATH = 8 };

/* What counts of the file: all that follows an older loader's part. */
struct cache {
    const uint8_t *data;
    size_t size;
    const char *name;
};

static int damaged(const char *name, const char *what, struct error *err) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is damaged: %s; ldconfig makes it anew", name,
                     what);
}

static uint32_t number_at(const uint8_t *data) {
    uint32_t number;
    memcpy(&number, data, sizeof number);
    return number;
}

static bool begins_with(const struct cache *cache, const char *magic, size_t header_size) {
    return cache->size >= header_size && !memcmp(cache->data, magic, strlen(magic));
}

static int skip_old(struct cache *cache, struct error *err) {
    if (!begins_with(cache, OLD_MAGIC, OLD_HEADER_SIZE))
        return 0;
    uint64_t count = number_at(cache->data + OLD_AT_COUNT);
    uint64_t end = (OLD_HEADER_SIZE + count * OLD_ENTRY_SIZE + 7) & ~7ULL;
    if (end > cache->size)
        return damaged(cache->name, "it ends in the middle of its entries", err);
    cache->data += end;
    cache->size -= (size_t)end;
    return 0;
}

static int add_entry(const struct cache *cache, const uint8_t *entry, struct strlist *libraries,
                     struct error *err) {
    size_t offset = number_at(entry + ENTRY_AT_PATH);
    if (offset >= cache->size)
        return damaged(cache->name, "an entry leads outside", err);
    const char *path = (const char *)cache->data + offset;
    size_t room = cache->size - offset;
    if (!memchr(path, '\0', room < PATH_MAX ? room : PATH_MAX))
        return damaged(cache->name, "a path has no end", err);
    return strlist_add(libraries, path) ? error_oom(err, "reading the loader's cache") : 0;
}

int ld_so_cache_parse(const void *data, size_t size, const char *name, struct strlist *libraries,
                      struct error *err) {
    struct cache cache = {.data = data, .size = size, .name = name};
    int rc = skip_old(&cache, err);
    if (rc)
        return rc;
    if (!begins_with(&cache, MAGIC, HEADER_SIZE))
        return damaged(name, "it does not begin as a cache does", err);
    unsigned order = cache.data[AT_ORDER] & ORDER_MASK;
    if (order != 0 && order != ORDER_HERE)
        return damaged(name, "it is of another byte order", err);
    size_t count = number_at(cache.data + AT_COUNT);
    if (count > (cache.size - HEADER_SIZE) / ENTRY_SIZE)
        return damaged(name, "it ends in the middle of its entries", err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = add_entry(&cache, cache.data + HEADER_SIZE + i * ENTRY_SIZE, libraries, err);
    return rc;
}

int ld_so_cache_read(const struct root *root, struct strlist *libraries, bool *present,
                     struct error *err) {
    AUTO_BUFFER struct buffer bytes = {0};
    AUTO_FREE char *shown = root_host_path(root, LD_SO_CACHE);
    *present = root_exists(root, LD_SO_CACHE);
    if (!shown)
        return error_oom(err, "reading the loader's cache");
    if (!*present)
        return 0;
    int rc = file_read(root, LD_SO_CACHE, SIZE_LIMIT, &bytes, err);
    return rc ? rc : ld_so_cache_parse(bytes.data, bytes.size, shown, libraries, err);
}
