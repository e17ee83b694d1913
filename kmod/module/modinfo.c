#include "kmod/module/modinfo.h"

#include <string.h>

int modinfo_read(const struct elf_module *elf, struct modinfo *modinfo, struct error *err) {
    *modinfo = (struct modinfo){.text = NULL};
    const struct elf_section *section;
    int rc = elf_module_find_section(elf, ".modinfo", &section, err);
    if (rc < 0 || !section || section->size == 0)
        return rc;
    if (section->data[section->size - 1] != '\0')
        return error_set(err, ERROR_DAMAGED, EBADMSG, "the last string of %s's .modinfo has no end",
                         elf->name);
    modinfo->text = (const char *)section->data;
    modinfo->size = section->size;
    return 0;
}

const char *modinfo_next(const struct modinfo *modinfo, const char *previous) {
    if (!modinfo->text)
        return NULL;
    const char *end = modinfo->text + modinfo->size;
    const char *next = previous ? previous + strlen(previous) : modinfo->text;
    while (next < end && *next == '\0') /* strings are padded with NULs */
        next++;
    return next < end ? next : NULL;
}

const char *modinfo_next_value(const struct modinfo *modinfo, const char *key,
                               const char *previous) {
    size_t length = strlen(key);
    for (const char *entry = modinfo_next(modinfo, previous); entry;
         entry = modinfo_next(modinfo, entry))
        if (strncmp(entry, key, length) == 0 && entry[length] == '=')
            return entry + length + 1;
    return NULL;
}

const char *modinfo_get(const struct modinfo *modinfo, const char *key) {
    return modinfo_next_value(modinfo, key, NULL);
}

size_t modinfo_count(const struct modinfo *modinfo, const char *key) {
    size_t count = 0;
    for (const char *value = modinfo_get(modinfo, key); value;
         value = modinfo_next_value(modinfo, key, value))
        count++;
    return count;
}

bool modinfo_has(const struct modinfo *modinfo, const char *key, const char *value) {
    for (const char *found = modinfo_get(modinfo, key); found;
         found = modinfo_next_value(modinfo, key, found))
        if (strcmp(found, value) == 0)
            return true;
    return false;
}
