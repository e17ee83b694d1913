#include "kmod/module/export_table.h"

#include <string.h>

/* FNV-1a */
static uint32_t hash_of(const char *name) {
    uint32_t hash = 2166136261U;
    for (; *name; name++)
        hash = (hash ^ (unsigned char)*name) * 16777619U;
    return hash;
}

static int reserve(struct export_table *table, size_t extra) {
    if (extra <= table->capacity - table->count)
        return 0;
    size_t wanted = table->count + extra;
    size_t capacity = wanted > 2 * table->capacity ? wanted : 2 * table->capacity;
    struct export *items = reallocarray(table->items, capacity, sizeof(*items));
    if (!items)
        return -ENOMEM;
    table->items = items;
    table->capacity = capacity;
    return 0;
}

int export_table_add(struct export_table *table, const struct export *export) {
    if (reserve(table, 1) < 0)
        return -ENOMEM;
    struct export *item = &table->items[table->count];
    *item = *export;
    item->hash = hash_of(export->name);
    item->order = table->count++;
    return 0;
}

int export_table_add_all(struct export_table *table, const struct export_table *from) {
    if (reserve(table, from->count) < 0)
        return -ENOMEM;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < from->count; i++)
        rc = export_table_add(table, &from->items[i]);
    return rc;
}

static int compare_name(uint32_t hash, const char *name, const struct export *item) {
    if (hash != item->hash)
        return hash < item->hash ? -1 : 1;
    return strcmp(name, item->name);
}

static int compare(const void *left, const void *right) {
    const struct export *a = left;
    const struct export *b = right;
    int by_name = compare_name(a->hash, a->name, b);
    return by_name != 0 ? by_name : (a->order > b->order) - (a->order < b->order);
}

/* How many leading bits of a hash name a bucket, for about one entry in each. */
static unsigned bucket_bits(size_t count) {
    unsigned bits = 1;
    while (bits < 20 && (size_t)1 << bits < count)
        bits++;
    return bits;
}

/* Moves the items to where their buckets begin; ends[b] is then the end of bucket b. */
static void scatter(const struct export_table *table, unsigned bits, size_t *ends,
                    struct export *sorted) {
    size_t begin = 0;
    for (size_t i = 0; i < table->count; i++)
        ends[table->items[i].hash >> (32 - bits)]++;
    for (size_t bucket = 0; bucket < (size_t)1 << bits; bucket++) {
        size_t size = ends[bucket];
        ends[bucket] = begin;
        begin += size;
    }
    for (size_t i = 0; i < table->count; i++)
        sorted[ends[table->items[i].hash >> (32 - bits)]++] = table->items[i];
}

/* Hashes spread evenly, so nearly all of the order comes from their leading bits without a
 * comparison; names that were chosen to share a bucket cost what sorting them costs. */
int export_table_sort(struct export_table *table) {
    if (table->count < 2)
        return 0;
    unsigned bits = bucket_bits(table->count);
    AUTO_FREE size_t *ends = calloc((size_t)1 << bits, sizeof(*ends));
    struct export *sorted = calloc(table->count, sizeof(*sorted));
    if (!ends || !sorted) {
        free(sorted);
        return -ENOMEM;
    }
    scatter(table, bits, ends, sorted);
    for (size_t bucket = 0, begin = 0; bucket < (size_t)1 << bits; begin = ends[bucket++])
        if (ends[bucket] - begin > 1)
            qsort(&sorted[begin], ends[bucket] - begin, sizeof(*sorted), compare);
    free(table->items);
    table->items = sorted;
    table->capacity = table->count;
    return 0;
}

struct export *export_table_find(const struct export_table *table, const char *name,
                                 size_t *count) {
    uint32_t hash = hash_of(name);
    size_t low = 0;
    for (size_t high = table->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (compare_name(hash, name, &table->items[middle]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < table->count && compare_name(hash, name, &table->items[end]) == 0)
        end++;
    if (count)
        *count = end - low;
    return end > low ? &table->items[low] : NULL;
}

void export_table_release(struct export_table *table) {
    free(table->items);
    *table = (struct export_table){.items = NULL};
}
