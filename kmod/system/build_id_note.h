/* The GNU build id as an ELF note keeps it; sysfs shows a loaded module's in this form. */
#ifndef KMOD_BUILD_ID_NOTE_H
#define KMOD_BUILD_ID_NOTE_H

#include <stddef.h>
#include <stdint.h>

#define BUILD_ID_NOTE_MAX 4096

/*
 * The build id of `size` bytes of notes in this machine's byte order, as lower-case hex; "" when
 * there is none. The caller frees. NULL when out of memory.
 */
char *build_id_note_hex(const uint8_t *notes, size_t size);

#endif
