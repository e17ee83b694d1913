#include "kmod/system/module_build_id.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "kmod/system/build_id_note.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST_BYTE_ORDER ELFDATA2LSB
#else
#define HOST_BYTE_ORDER ELFDATA2MSB
#endif

struct module {
    int fd;
    const char *name;
    uint64_t size;
};

/* 1 when all `size` bytes at `offset` were read, 0 when the file does not have them. */
static int read_at(const struct module *module, void *data, uint64_t size, uint64_t offset,
                   struct error *err) {
    if (offset > module->size || size > module->size - offset)
        return 0;
    ssize_t got = file_read_at(module->fd, data, size, (off_t)offset);
    return got < 0 ? error_io(err, (int)-got, "can't read %s", module->name)
                   : (uint64_t)got == size;
}

/*
 *     0        4       5       6          40        58          60
 *     +--------+-------+-------+-- … -----+-- … ----+-----------+---------+
 *     | 7f ELF | class | order |          | e_shoff | shentsize | e_shnum |   section headers at
 *     +--------+-------+-------+----------+---------+-----------+---------+   e_shoff
 */
static bool is_usable(const Elf64_Ehdr *header) {
    return !memcmp(header->e_ident, ELFMAG, SELFMAG) && header->e_ident[EI_CLASS] == ELFCLASS64 &&
           header->e_ident[EI_DATA] == HOST_BYTE_ORDER &&
           header->e_shentsize == sizeof(Elf64_Shdr) && header->e_shnum > 0;
}

/* *build_id stays NULL when the section is not the one. */
static int read_section(const struct module *module, const Elf64_Shdr *section, char **build_id,
                        struct error *err) {
    unsigned char notes[BUILD_ID_NOTE_MAX];
    if (section->sh_type != SHT_NOTE || section->sh_size > sizeof notes)
        return 0;
    int rc = read_at(module, notes, section->sh_size, section->sh_offset, err);
    if (rc <= 0)
        return rc;
    AUTO_FREE char *hex = build_id_note_hex(notes, section->sh_size);
    if (!hex)
        return error_oom(err, "reading a build id");
    if (*hex)
        *build_id = STEAL(hex);
    return 0;
}

static int find(const struct module *module, char **build_id, struct error *err) {
    Elf64_Ehdr header;
    int rc = read_at(module, &header, sizeof header, 0, err);
    if (rc <= 0 || !is_usable(&header))
        return rc < 0 ? rc : 0;
    AUTO_FREE Elf64_Shdr *sections = calloc(header.e_shnum, sizeof *sections);
    if (!sections)
        return error_oom(err, "reading a build id");
    rc = read_at(module, sections, header.e_shnum * sizeof *sections, header.e_shoff, err);
    if (rc <= 0)
        return rc;
    rc = 0;
    for (size_t i = 0; !rc && !*build_id && i < header.e_shnum; i++)
        rc = read_section(module, &sections[i], build_id, err);
    return rc;
}

int module_build_id_read(int fd, const char *name, char **build_id, struct error *err) {
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at %s", name);
    struct module module = {.fd = fd, .name = name, .size = (uint64_t)st.st_size};
    AUTO_FREE char *found = NULL;
    int rc = find(&module, &found, err);
    if (!rc && !found && !(found = strdup("")))
        rc = error_oom(err, "reading a build id");
    if (!rc)
        *build_id = STEAL(found);
    return rc;
}
