#include "base/strlist.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"

/* Takes `string`, also on failure. */
static int add_owned(struct strlist *list, char *string) {
    if (!string)
        return -ENOMEM;
    if (list->count + 2 > list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 8;
        char **items = reallocarray(list->items, capacity, sizeof *items);
        if (!items) {
            free(string);
            return -ENOMEM;
        }
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = string;
    list->items[list->count] = NULL;
    return 0;
}

int strlist_add(struct strlist *list, const char *string) {
    return add_owned(list, strdup(string));
}

int strlist_addf(struct strlist *list, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    char *text = NULL;
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    return add_owned(list, length < 0 ? NULL : text);
}

bool strlist_contains(const struct strlist *list, const char *string) {
    for (size_t i = 0; i < list->count; i++)
        if (!strcmp(list->items[i], string))
            return true;
    return false;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void strlist_sort(struct strlist *list) {
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare);
}

char *strlist_join(const struct strlist *list, const char *separator) {
    AUTO_BUFFER struct buffer text = {0};
    if (buffer_append_string(&text, ""))
        return NULL;
    for (size_t i = 0; i < list->count; i++)
        if ((i > 0 && buffer_append_string(&text, separator)) ||
            buffer_append_string(&text, list->items[i]))
            return NULL;
    return (char *)STEAL(text.data);
}

void strlist_release(struct strlist *list) {
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct strlist){0};
}
