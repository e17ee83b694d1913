#include "kmod/module/modversions.h"

#include <string.h>

#define FIXED_ENTRY 64 /* sizeof(struct modversion_info) */
#define ENTRY_HEADER 8 /* what stands before the name, in both formats */
#define FIXED_NAME (FIXED_ENTRY - ENTRY_HEADER)

static uint32_t read_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

static int damaged(struct error *err, const struct elf_module *elf, const char *section) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s of %s does not hold whole entries", section,
                     elf->name);
}

/* Sized once: no section has more entries than its bytes allow. */
static int allocate(struct modversion_list *list, size_t most, struct error *err) {
    list->present = true;
    list->items = calloc(most + 1, sizeof(*list->items));
    return list->items ? 0 : error_oom(err, "reading a module's symbol versions");
}

static void add(struct modversion_list *list, const char *name, uint32_t crc) {
    list->items[list->count++] = (struct modversion){.name = name, .crc = crc};
}

/*
 * 0 crc, as unsigned long | 8 name, NUL padded to 64
 */
static int read_fixed(const struct elf_module *elf, const struct elf_section *section,
                      struct modversion_list *list, struct error *err) {
    int rc = allocate(list, section->size / FIXED_ENTRY, err);
    if (rc < 0)
        return rc;
    for (size_t at = 0; at < section->size; at += FIXED_ENTRY) {
        const uint8_t *entry = section->data + at;
        if (read_u32(entry + 4) != 0 || !memchr(entry + ENTRY_HEADER, '\0', FIXED_NAME))
            return damaged(err, elf, section->name);
        add(list, (const char *)entry + ENTRY_HEADER, read_u32(entry));
    }
    return 0;
}

/*
 * Ubuntu's kernels from 6.2 on, for names of any length:
 *
 *     0 offset of the next entry from this one, 0 for the last | 4 crc | 8 name, NUL padded
 */
static int read_chained(const struct elf_module *elf, const struct elf_section *section,
                        struct modversion_list *list, struct error *err) {
    int rc = allocate(list, section->size / ENTRY_HEADER, err);
    if (rc < 0)
        return rc;
    for (size_t at = 0; section->size - at >= ENTRY_HEADER;) {
        const uint8_t *entry = section->data + at;
        uint32_t next = read_u32(entry);
        if (next == 0)
            return 0;
        if (next <= ENTRY_HEADER || next > section->size - at ||
            !memchr(entry + ENTRY_HEADER, '\0', next - ENTRY_HEADER))
            return damaged(err, elf, section->name);
        add(list, (const char *)entry + ENTRY_HEADER, read_u32(entry + 4));
        at += next;
    }
    return damaged(err, elf, section->name);
}

/* The upper half of a fixed entry's CRC is zero; in its place a chained one has the CRC itself. */
static int read_basic(const struct elf_module *elf, struct modversion_list *list,
                      struct error *err) {
    const struct elf_section *section;
    int rc = elf_module_find_section(elf, "__versions", &section, err);
    if (rc < 0 || !section)
        return rc;
    bool fixed = section->size % FIXED_ENTRY == 0 &&
                 (section->size == 0 || read_u32(section->data + 4) == 0);
    return fixed ? read_fixed(elf, section, list, err) : read_chained(elf, section, list, err);
}

/*
 * __version_ext_crcs   crc crc crc …
 * __version_ext_names  "name" NUL "name" NUL …, NULs to the end
 */
static int read_extended(const struct elf_module *elf, struct modversion_list *list,
                         struct error *err) {
    const struct elf_section *crcs, *names;
    int rc = elf_module_find_section(elf, "__version_ext_crcs", &crcs, err);
    if (rc == 0)
        rc = elf_module_find_section(elf, "__version_ext_names", &names, err);
    if (rc < 0 || (!crcs && !names))
        return rc;
    if (!crcs || !names || crcs->size % 4 != 0 ||
        (names->size > 0 && names->data[names->size - 1] != '\0'))
        return damaged(err, elf, "__version_ext_crcs");
    rc = allocate(list, crcs->size / 4, err);
    if (rc < 0)
        return rc;
    /* A section without bytes has no data either. */
    const char *name = names->size > 0 ? (const char *)names->data : "";
    const char *end = name + names->size;
    for (size_t at = 0; at < crcs->size; at += 4) {
        if (name == end || !*name)
            return damaged(err, elf, names->name);
        add(list, name, read_u32(crcs->data + at));
        name += strlen(name) + 1;
    }
    while (name < end && !*name)
        name++;
    return name == end ? 0 : damaged(err, elf, names->name);
}

static int compare(const void *left, const void *right) {
    const struct modversion *a = left;
    const struct modversion *b = right;
    int by_name = strcmp(a->name, b->name);
    return by_name != 0 ? by_name : (a->name > b->name) - (a->name < b->name);
}

static void sort(struct modversion_list *list) {
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), compare);
}

int modversions_read(const struct elf_module *elf, struct modversions *versions,
                     struct error *err) {
    *versions = (struct modversions){.basic = {.items = NULL}};
    int rc = read_basic(elf, &versions->basic, err);
    if (rc == 0)
        rc = read_extended(elf, &versions->extended, err);
    if (rc < 0) {
        modversions_release(versions);
        return rc;
    }
    sort(&versions->basic);
    sort(&versions->extended);
    return 0;
}

void modversions_release(struct modversions *versions) {
    free(versions->basic.items);
    free(versions->extended.items);
    *versions = (struct modversions){.basic = {.items = NULL}};
}

const struct modversion_list *modversions_effective(const struct modversions *versions,
                                                    bool reads_extended) {
    return reads_extended && versions->extended.present ? &versions->extended : &versions->basic;
}

const struct modversion *modversions_find(const struct modversion_list *list, const char *name) {
    size_t low = 0;
    for (size_t high = list->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(list->items[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    bool found = low < list->count && strcmp(list->items[low].name, name) == 0;
    return found ? &list->items[low] : NULL;
}

bool modversions_fits_basic(const char *name) {
    return strlen(name) < FIXED_NAME;
}
