#include "kmod/system/build_id_note.h"

#include <elf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *     0         4         8         12          12 + namesz, padded to 4
 *     +---------+---------+---------+-----------+------------------------+
 *     | namesz  | descsz  | type 3  | "GNU\0"   | the build id           |  next note, padded to 4
 *     +---------+---------+---------+-----------+------------------------+
 */
struct note {
    const uint8_t *name;
    size_t name_size;
    const uint8_t *id;
    size_t id_size;
    uint32_t type;
    size_t end; /* where the next one begins */
};

static size_t padded(size_t size) {
    return (size + 3) & ~(size_t)3;
}

static bool read_note(const uint8_t *notes, size_t size, size_t at, struct note *note) {
    Elf64_Nhdr header; /* the same in both classes */
    if (size - at < sizeof header)
        return false;
    memcpy(&header, notes + at, sizeof header);
    at += sizeof header;
    if (header.n_namesz > size || header.n_descsz > size)
        return false;
    size_t name_size = padded(header.n_namesz), id_size = header.n_descsz;
    if (size - at < name_size || size - at - name_size < id_size)
        return false;
    *note = (struct note){
        .name = notes + at,
        .name_size = header.n_namesz,
        .id = notes + at + name_size,
        .id_size = id_size,
        .type = header.n_type,
        .end = at + name_size + padded(id_size),
    };
    return true;
}

static char *hex(const uint8_t *data, size_t size) {
    char *text = malloc(2 * size + 1);
    if (!text)
        return NULL;
    text[0] = '\0';
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", data[i]);
    return text;
}

char *build_id_note_hex(const uint8_t *notes, size_t size) {
    struct note note;
    for (size_t at = 0; at < size && read_note(notes, size, at, &note); at = note.end)
        if (note.type == NT_GNU_BUILD_ID && note.name_size == 4 && !memcmp(note.name, "GNU", 4))
            return hex(note.id, note.id_size);
    return hex(NULL, 0);
}
