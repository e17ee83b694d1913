/*
 * Exported symbols by name: what Module.symvers lists, what a module exports, or both.
 *
 * Sorted by a hash and then the name, so that no choice of names makes it slow; entries of one name
 * stand together, in the order they were added.
 */
#ifndef KMOD_MODULE_EXPORT_TABLE_H
#define KMOD_MODULE_EXPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"

#define EXPORT_FROM_KERNEL SIZE_MAX

/* All strings are borrowed. */
struct export {
    const char *name;
    const char *name_space; /* "" for none */
    const char *owner;      /* "vmlinux", or the exporting module's name */
    size_t sibling;         /* the exporting module's place in the set, or EXPORT_FROM_KERNEL */
    size_t order;           /* set by export_table_add() */
    uint32_t hash;          /* set by export_table_add() */
    uint32_t crc;           /* 0 also where modpost could not make one */
    bool has_crc;
    bool gpl_only;
};

struct export_table {
    struct export *items;
    size_t count;
    size_t capacity;
};

/* Adds a copy of `export`. 0 or −ENOMEM. */
int export_table_add(struct export_table *table, const struct export *export) MUST_CHECK;
/* Adds copies of all that `from` holds. 0 or −ENOMEM. */
int export_table_add_all(struct export_table *table, const struct export_table *from) MUST_CHECK;

/* After the last export_table_add() and before the first export_table_find(). 0 or −ENOMEM. */
int export_table_sort(struct export_table *table) MUST_CHECK;

/* The first export of that name with `*count` (may be NULL) of them in a row, or NULL. */
struct export *export_table_find(const struct export_table *table, const char *name, size_t *count);

void export_table_release(struct export_table *table);
#define AUTO_EXPORT_TABLE AUTO(export_table_release)

#endif
