#include "kmod/system/module_table.h"

#include <string.h>

#include "kmod/system/module_name.h"

static const char *last_component(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int make_room(struct module_table *table) {
    if (table->count < table->capacity)
        return 0;
    size_t capacity = table->capacity ? table->capacity * 2 : 16;
    struct module_table_entry *entries = reallocarray(table->entries, capacity, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    table->entries = entries;
    table->capacity = capacity;
    return 0;
}

int module_table_add(struct module_table *table, const char *path) {
    size_t stem = module_name_stem(last_component(path));
    if (!stem)
        return 0;
    char *copy = make_room(table) ? NULL : strdup(path);
    if (!copy)
        return -ENOMEM;
    table->entries[table->count++] =
        (struct module_table_entry){.path = copy, .file = last_component(copy), .stem = stem};
    return 0;
}

static int compare(const void *a, const void *b) {
    const struct module_table_entry *one = a, *other = b;
    size_t shorter = one->stem < other->stem ? one->stem : other->stem;
    int order = strncmp(one->file, other->file, shorter);
    return order ? order : (one->stem > other->stem) - (one->stem < other->stem);
}

void module_table_sort(struct module_table *table) {
    if (table->count > 1)
        qsort(table->entries, table->count, sizeof *table->entries, compare);
}

struct module_table_entry *module_table_find(const struct module_table *table, const char *file) {
    const struct module_table_entry wanted = {.file = file, .stem = module_name_stem(file)};
    if (!wanted.stem || table->count == 0)
        return NULL;
    return bsearch(&wanted, table->entries, table->count, sizeof *table->entries, compare);
}

void module_table_release(struct module_table *table) {
    for (size_t i = 0; i < table->count; i++)
        free(table->entries[i].path);
    free(table->entries);
    *table = (struct module_table){0};
}
