/* Module files by the name of their module, whatever folder and compression: found by bisection, so
 * that many of them cost no more than one. */
#ifndef KMOD_MODULE_TABLE_H
#define KMOD_MODULE_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct module_table_entry {
    char *path;       /* as it was added */
    const char *file; /* its last component, inside `path` */
    size_t stem;      /* how much of `file` stands before ".ko" */
    bool found;       /* the user's mark */
};

struct module_table {
    struct module_table_entry *entries;
    size_t count;
    size_t capacity;
};

/* Adds a copy of `path`; one that is no module's file is passed over. 0 or −ENOMEM. */
int module_table_add(struct module_table *table, const char *path) MUST_CHECK;

/* To be called between the last addition and the first look-up. */
void module_table_sort(struct module_table *table);

/* The entry for the same module as the file name `file`, with any compression; NULL when there is
 * none. Of several, one. */
struct module_table_entry *module_table_find(const struct module_table *table, const char *file);

void module_table_release(struct module_table *table);
#define AUTO_MODULE_TABLE AUTO(module_table_release)

#endif
