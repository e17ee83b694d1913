#include "kmod/system/elf_image.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

static int not_elf(const char *name, struct error *err) {
    return error_set(err, ERROR_DAMAGED, ENOEXEC, "%s is not an ELF program or shared library",
                     name);
}

int elf_image_damaged(const struct elf_image *image, const char *what, struct error *err) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is damaged: %s", image->name, what);
}

int elf_image_open(int fd, const char *name, struct elf_image *image, struct error *err) {
    elf_version(EV_CURRENT);
    /* Read, not mapped: a file that shrinks meanwhile must not kill us. */
    *image = (struct elf_image){.elf = elf_begin(fd, ELF_C_READ, NULL), .name = name};
    GElf_Ehdr header;
    int rc = 0;
    if (!image->elf || elf_kind(image->elf) != ELF_K_ELF || !gelf_getehdr(image->elf, &header) ||
        (header.e_type != ET_EXEC && header.e_type != ET_DYN))
        rc = not_elf(name, err);
    else if (elf_getphdrnum(image->elf, &image->header_count) ||
             image->header_count > ELF_IMAGE_ENTRIES_MAX)
        rc = elf_image_damaged(image, "its program headers can't be read (truncated?)", err);
    if (rc) {
        elf_image_release(image);
        return rc;
    }
    image->elf_class = header.e_ident[EI_CLASS];
    image->machine = header.e_machine;
    return 0;
}

void elf_image_release(struct elf_image *image) {
    elf_end(image->elf);
    image->elf = NULL;
}

int elf_image_kind(int fd, const char *name, int *elf_class, int *machine, struct error *err) {
    /*  0 magic | 4 class | 5 byte order | 6 … | 16 type | 18 machine | 20: the same in both classes
     */
    unsigned char header[20];
    if (pread(fd, header, sizeof header, 0) != sizeof header || memcmp(header, ELFMAG, SELFMAG))
        return not_elf(name, err);
    bool big_endian = header[EI_DATA] == ELFDATA2MSB;
    *elf_class = header[EI_CLASS];
    *machine = header[big_endian ? 19 : 18] | header[big_endian ? 18 : 19] << 8;
    return 0;
}

Elf_Data *elf_image_chunk(const struct elf_image *image, uint64_t offset, uint64_t size,
                          Elf_Type type) {
    if (size == 0 || size > ELF_IMAGE_TABLE_MAX || offset > INT64_MAX)
        return NULL;
    return elf_getdata_rawchunk(image->elf, (int64_t)offset, size, type);
}

Elf_Data *elf_image_table(const struct elf_image *image, uint64_t address, Elf_Type type) {
    for (size_t i = 0; i < image->header_count; i++) {
        GElf_Phdr header;
        if (!gelf_getphdr(image->elf, (int)i, &header) || header.p_type != PT_LOAD ||
            address < header.p_vaddr || address - header.p_vaddr >= header.p_filesz)
            continue;
        uint64_t within = address - header.p_vaddr, rest = header.p_filesz - within;
        if (header.p_offset > UINT64_MAX - within)
            return NULL;
        return elf_image_chunk(image, header.p_offset + within,
                               rest < ELF_IMAGE_TABLE_MAX ? rest : ELF_IMAGE_TABLE_MAX, type);
    }
    return NULL;
}
