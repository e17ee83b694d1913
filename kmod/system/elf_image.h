/*
 * An ELF program or shared library as a loader sees it: program headers, and runs of the file found
 * by the address they are loaded at. libelf does the byte order and checks every run against the
 * file's size.
 */
#ifndef KMOD_ELF_IMAGE_H
#define KMOD_ELF_IMAGE_H

#include <gelf.h>

#include "base/error.h"

#define ELF_IMAGE_TABLE_MAX (16U << 20) /* the largest run that is read */
#define ELF_IMAGE_ENTRIES_MAX 4096      /* of any table: libc has 60 versions */

struct elf_image {
    Elf *elf;
    const char *name; /* for sentences; the caller's */
    size_t header_count;
    int elf_class; /* ELFCLASS64 */
    int machine;   /* EM_X86_64 */
};

/* `fd` stays the caller's and open. −ENOEXEC: not an ELF program or library; −EBADMSG: its headers
 * can't be read; both ERROR_DAMAGED. */
int elf_image_open(int fd, const char *name, struct elf_image *image, struct error *err) MUST_CHECK;
void elf_image_release(struct elf_image *image);
#define AUTO_ELF_IMAGE AUTO(elf_image_release)

/* Class and machine alone, for a loader's choice between candidates. −ENOEXEC: not ELF. */
int elf_image_kind(int fd, const char *name, int *elf_class, int *machine,
                   struct error *err) MUST_CHECK;

/* `size` bytes at `offset` of the file, in this machine's byte order; NULL when they are not all
 * there, are none or too many. Owned by the image. */
Elf_Data *elf_image_chunk(const struct elf_image *image, uint64_t offset, uint64_t size,
                          Elf_Type type);

/* What the file holds from `address` of the loaded image to the end of its segment. */
Elf_Data *elf_image_table(const struct elf_image *image, uint64_t address, Elf_Type type);

/* Sets ERROR_DAMAGED "<name> is damaged: <what>". Returns −EBADMSG. */
int elf_image_damaged(const struct elf_image *image, const char *what, struct error *err);

#endif
