/*
 * .modinfo: what MODULE_*() macros and modpost say of a module, as key=value strings.
 *
 *     "license=GPL" NUL NUL "alias=pci:v…" NUL … "vermagic=6.1.0 SMP mod_unload " NUL
 */
#ifndef KMOD_MODULE_MODINFO_H
#define KMOD_MODULE_MODINFO_H

#include <stdbool.h>
#include <stddef.h>

#include "kmod/module/elf_module.h"

struct modinfo {
    const char *text; /* inside the elf_module; NULL when the module has no .modinfo */
    size_t size;      /* the last byte is a NUL */
};

/* ERROR_DAMAGED: two .modinfo sections, or one whose last string does not end. */
int modinfo_read(const struct elf_module *elf, struct modinfo *modinfo,
                 struct error *err) MUST_CHECK;

/* The string after `previous` (NULL for the first), or NULL at the end. Never an empty one. */
const char *modinfo_next(const struct modinfo *modinfo, const char *previous);

/* The value of the next `key=` string after `previous` (a value this function gave, or NULL). */
const char *modinfo_next_value(const struct modinfo *modinfo, const char *key,
                               const char *previous);

/* The first value of `key`, as the kernel takes it, or NULL. */
const char *modinfo_get(const struct modinfo *modinfo, const char *key);

/* How many strings have this key. */
size_t modinfo_count(const struct modinfo *modinfo, const char *key);

/* Whether one of the key's values is `value`. */
bool modinfo_has(const struct modinfo *modinfo, const char *key, const char *value);

#endif
