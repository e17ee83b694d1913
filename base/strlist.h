/* A list of strings that it owns, NULL-terminated so that it serves as an argument vector. */
#ifndef BASE_STRLIST_H
#define BASE_STRLIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct strlist {
    char **items; /* items[count] is NULL once anything was added */
    size_t count;
    size_t capacity;
};

/* Adds a copy. 0 or −ENOMEM. */
int strlist_add(struct strlist *list, const char *string) MUST_CHECK;
int strlist_addf(struct strlist *list, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_CHECK;

bool strlist_contains(const struct strlist *list, const char *string);

/* Byte order, as strcmp(). */
void strlist_sort(struct strlist *list);

/* The items with `separator` between them; the caller frees. NULL when out of memory. */
char *strlist_join(const struct strlist *list, const char *separator);

void strlist_release(struct strlist *list);

#define AUTO_STRLIST AUTO(strlist_release)

#endif
