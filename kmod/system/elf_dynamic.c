#include "kmod/system/elf_dynamic.h"

#include <gelf.h>
#include <limits.h>
#include <string.h>

#include "base/file.h"

/* Far above real ones (libc has 60 versions, clang 30 libraries), so that a hostile file is cheap.
 */
#define TABLE_MAX (16U << 20)
#define ENTRIES_MAX 4096

/* What DT_* entries say; addresses are of the loaded image. */
struct tags {
    uint64_t strings, strings_size;
    uint64_t needs, need_count;
    uint64_t definitions, definition_count;
    uint64_t soname, rpath, runpath; /* offsets in the string table, UINT64_MAX: none */
};

struct reader {
    Elf *elf;
    const char *name;
    size_t header_count;
    struct tags tags;
    const char *strings;
    uint64_t strings_size;
    struct error *err;
};

static int damaged(const struct reader *reader, const char *what) {
    return error_set(reader->err, ERROR_DAMAGED, EBADMSG, "%s is damaged: %s", reader->name, what);
}

static int not_elf(const char *name, struct error *err) {
    return error_set(err, ERROR_DAMAGED, ENOEXEC, "%s is not an ELF program or shared library",
                     name);
}

static void end_elf(Elf **elf) {
    elf_end(*elf);
}

/* A run of the file, in this machine's byte order. libelf checks it against the file's size. */
static Elf_Data *chunk(const struct reader *reader, uint64_t offset, uint64_t size, Elf_Type type) {
    if (size == 0 || size > TABLE_MAX || offset > INT64_MAX)
        return NULL;
    return elf_getdata_rawchunk(reader->elf, (int64_t)offset, size, type);
}

/* Where `address` of the loaded image is in the file, and how much of its segment follows there. */
static bool locate(const struct reader *reader, uint64_t address, uint64_t *offset,
                   uint64_t *available) {
    for (size_t i = 0; i < reader->header_count; i++) {
        GElf_Phdr header;
        if (!gelf_getphdr(reader->elf, (int)i, &header) || header.p_type != PT_LOAD ||
            address < header.p_vaddr || address - header.p_vaddr >= header.p_filesz)
            continue;
        uint64_t within = address - header.p_vaddr;
        if (header.p_offset > UINT64_MAX - within)
            return false;
        *offset = header.p_offset + within;
        *available = header.p_filesz - within;
        return true;
    }
    return false;
}

static Elf_Data *table_at(const struct reader *reader, uint64_t address, Elf_Type type) {
    uint64_t offset, available;
    if (!locate(reader, address, &offset, &available))
        return NULL;
    return chunk(reader, offset, available < TABLE_MAX ? available : TABLE_MAX, type);
}

/* A string of the table that ends within it, or NULL. */
static const char *string_at(const struct reader *reader, uint64_t offset) {
    if (offset >= reader->strings_size ||
        !memchr(reader->strings + offset, '\0', reader->strings_size - offset))
        return NULL;
    return reader->strings + offset;
}

static int read_interpreter(const struct reader *reader, const GElf_Phdr *header,
                            struct elf_dynamic *dynamic) {
    const Elf_Data *data = header->p_filesz <= PATH_MAX
                               ? chunk(reader, header->p_offset, header->p_filesz, ELF_T_BYTE)
                               : NULL;
    if (!data || !memchr(data->d_buf, '\0', data->d_size))
        return damaged(reader, "its interpreter's name can't be read");
    free(dynamic->interpreter);
    dynamic->interpreter = strdup(data->d_buf);
    return dynamic->interpreter ? 0 : error_oom(reader->err, "reading an ELF file");
}

static void read_tag(struct tags *tags, const GElf_Dyn *entry) {
    const struct {
        int64_t tag;
        uint64_t *value;
    } known[] = {
        {DT_STRTAB, &tags->strings},     {DT_STRSZ, &tags->strings_size},
        {DT_VERNEED, &tags->needs},      {DT_VERNEEDNUM, &tags->need_count},
        {DT_VERDEF, &tags->definitions}, {DT_VERDEFNUM, &tags->definition_count},
        {DT_SONAME, &tags->soname},      {DT_RPATH, &tags->rpath},
        {DT_RUNPATH, &tags->runpath},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (known[i].tag == entry->d_tag)
            *known[i].value = entry->d_un.d_val;
}

/* The entry `index`, false at the end of the section. */
static bool next_entry(Elf_Data *section, int index, GElf_Dyn *entry) {
    return gelf_getdyn(section, index, entry) && entry->d_tag != DT_NULL;
}

static int read_strings(struct reader *reader) {
    const Elf_Data *data = table_at(reader, reader->tags.strings, ELF_T_BYTE);
    if (!data || reader->tags.strings_size > data->d_size)
        return damaged(reader, "its dynamic string table lies outside the file (truncated?)");
    reader->strings = data->d_buf;
    reader->strings_size = reader->tags.strings_size;
    return 0;
}

/* One string that may be absent. */
static int read_string(const struct reader *reader, uint64_t offset, char **text) {
    if (offset == UINT64_MAX)
        return 0;
    const char *string = string_at(reader, offset);
    if (!string)
        return damaged(reader, "a string of its dynamic section lies outside its table");
    *text = strdup(string);
    return *text ? 0 : error_oom(reader->err, "reading an ELF file");
}

static int read_needed(const struct reader *reader, Elf_Data *section,
                       struct elf_dynamic *dynamic) {
    GElf_Dyn entry;
    for (int i = 0; next_entry(section, i, &entry); i++) {
        const char *library = entry.d_tag == DT_NEEDED ? string_at(reader, entry.d_un.d_val) : "";
        if (!library)
            return damaged(reader, "the name of a needed library lies outside its table");
        if (*library && strlist_add(&dynamic->needed, library))
            return error_oom(reader->err, "reading an ELF file");
    }
    return 0;
}

static int add_need(const struct reader *reader, struct elf_dynamic *dynamic, const char *library,
                    const GElf_Vernaux *version) {
    const char *name = string_at(reader, version->vna_name);
    if (!name || dynamic->need_count >= ENTRIES_MAX)
        return damaged(reader, "its table of needed versions can't be read");
    struct elf_version_need *needs =
        reallocarray(dynamic->needs, dynamic->need_count + 1, sizeof *needs);
    if (!needs)
        return error_oom(reader->err, "reading an ELF file");
    dynamic->needs = needs;
    struct elf_version_need *need = &needs[dynamic->need_count++];
    *need = (struct elf_version_need){
        .library = strdup(library),
        .version = strdup(name),
        .weak = version->vna_flags & VER_FLG_WEAK,
    };
    return need->library && need->version ? 0 : error_oom(reader->err, "reading an ELF file");
}

/*
 * The versions needed are two levels of chains; each vn_next, vn_aux and vna_next counts from the
 * entry that has it, and 0 ends a chain:
 *
 *     Verneed libc.so.6 ---vn_aux--> Vernaux GLIBC_2.34 --vna_next--> Vernaux GLIBC_2.2.5
 *        |vn_next
 *     Verneed libkmod.so.2 --vn_aux--> Vernaux LIBKMOD_5
 */
static int read_need_chain(const struct reader *reader, Elf_Data *table, uint64_t at,
                           const GElf_Verneed *need, struct elf_dynamic *dynamic) {
    const char *library = string_at(reader, need->vn_file);
    if (!library)
        return damaged(reader, "its table of needed versions can't be read");
    at += need->vn_aux;
    for (unsigned i = 0; i < need->vn_cnt; i++) {
        GElf_Vernaux version;
        if (at > TABLE_MAX || !gelf_getvernaux(table, (int)at, &version))
            return damaged(reader, "its table of needed versions can't be read");
        int rc = add_need(reader, dynamic, library, &version);
        if (rc || version.vna_next == 0)
            return rc;
        at += version.vna_next;
    }
    return 0;
}

static int read_needs(const struct reader *reader, struct elf_dynamic *dynamic) {
    if (reader->tags.needs == UINT64_MAX)
        return 0;
    Elf_Data *table = table_at(reader, reader->tags.needs, ELF_T_VNEED);
    uint64_t at = 0;
    for (uint64_t i = 0; i < reader->tags.need_count; i++) {
        GElf_Verneed need;
        if (!table || i >= ENTRIES_MAX || at > TABLE_MAX || !gelf_getverneed(table, (int)at, &need))
            return damaged(reader, "its table of needed versions can't be read");
        int rc = read_need_chain(reader, table, at, &need, dynamic);
        if (rc || need.vn_next == 0)
            return rc;
        at += need.vn_next;
    }
    return 0;
}

/* The same for versions defined; a definition's first name is its own, others are its parents'. */
static int read_definitions(const struct reader *reader, struct elf_dynamic *dynamic) {
    if (reader->tags.definitions == UINT64_MAX)
        return 0;
    Elf_Data *table = table_at(reader, reader->tags.definitions, ELF_T_VDEF);
    uint64_t at = 0;
    for (uint64_t i = 0; i < reader->tags.definition_count; i++) {
        GElf_Verdef definition;
        GElf_Verdaux first;
        const char *version = NULL;
        if (table && i < ENTRIES_MAX && at <= TABLE_MAX &&
            gelf_getverdef(table, (int)at, &definition) && at + definition.vd_aux <= TABLE_MAX &&
            gelf_getverdaux(table, (int)(at + definition.vd_aux), &first))
            version = string_at(reader, first.vda_name);
        if (!version)
            return damaged(reader, "its table of defined versions can't be read");
        if (strlist_add(&dynamic->versions, version))
            return error_oom(reader->err, "reading an ELF file");
        if (definition.vd_next == 0)
            return 0;
        at += definition.vd_next;
    }
    return 0;
}

static int read_dynamic(struct reader *reader, const GElf_Phdr *header,
                        struct elf_dynamic *dynamic) {
    Elf_Data *section = chunk(reader, header->p_offset, header->p_filesz, ELF_T_DYN);
    if (!section)
        return damaged(reader, "its dynamic section lies outside the file (truncated?)");
    GElf_Dyn entry;
    memset(&reader->tags, 0xff, sizeof reader->tags);
    for (int i = 0; next_entry(section, i, &entry); i++)
        if (i >= ENTRIES_MAX)
            return damaged(reader, "its dynamic section is too long");
        else
            read_tag(&reader->tags, &entry);
    int rc = read_strings(reader);
    if (!rc)
        rc = read_needed(reader, section, dynamic);
    if (!rc)
        rc = read_string(reader, reader->tags.soname, &dynamic->soname);
    if (!rc)
        rc = read_string(reader, reader->tags.runpath, &dynamic->runpath);
    if (!rc && !dynamic->runpath)
        rc = read_string(reader, reader->tags.rpath, &dynamic->rpath);
    if (!rc)
        rc = read_needs(reader, dynamic);
    return rc ? rc : read_definitions(reader, dynamic);
}

static int read_headers(struct reader *reader, struct elf_dynamic *dynamic) {
    bool has_dynamic = false;
    for (size_t i = 0; i < reader->header_count; i++) {
        GElf_Phdr header;
        int rc = 0;
        if (!gelf_getphdr(reader->elf, (int)i, &header))
            return damaged(reader, "its program headers can't be read (truncated?)");
        if (header.p_type == PT_INTERP)
            rc = read_interpreter(reader, &header, dynamic);
        else if (header.p_type == PT_DYNAMIC && !has_dynamic) {
            has_dynamic = true;
            rc = read_dynamic(reader, &header, dynamic);
        }
        if (rc)
            return rc;
    }
    return 0;
}

int elf_dynamic_read(int fd, const char *name, struct elf_dynamic *dynamic, struct error *err) {
    *dynamic = (struct elf_dynamic){0};
    elf_version(EV_CURRENT);
    /* Read, not mapped: a file that shrinks meanwhile must not kill us. */
    Elf *elf AUTO(end_elf) = elf_begin(fd, ELF_C_READ, NULL);
    struct reader reader = {.elf = elf, .name = name, .err = err};
    GElf_Ehdr header;
    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) ||
        (header.e_type != ET_EXEC && header.e_type != ET_DYN))
        return not_elf(name, err);
    if (elf_getphdrnum(elf, &reader.header_count) || reader.header_count > ENTRIES_MAX)
        return damaged(&reader, "its program headers can't be read (truncated?)");
    dynamic->elf_class = header.e_ident[EI_CLASS];
    dynamic->machine = header.e_machine;
    int rc = read_headers(&reader, dynamic);
    if (rc)
        elf_dynamic_release(dynamic);
    return rc;
}

int elf_dynamic_kind(int fd, const char *name, int *elf_class, int *machine, struct error *err) {
    unsigned char header[20]; /* e_ident, e_type, e_machine: the same in both classes */
    if (pread(fd, header, sizeof header, 0) != sizeof header || memcmp(header, ELFMAG, SELFMAG))
        return not_elf(name, err);
    bool big_endian = header[EI_DATA] == ELFDATA2MSB;
    *elf_class = header[EI_CLASS];
    *machine = header[big_endian ? 19 : 18] | header[big_endian ? 18 : 19] << 8;
    return 0;
}

void elf_dynamic_release(struct elf_dynamic *dynamic) {
    for (size_t i = 0; i < dynamic->need_count; i++) {
        free(dynamic->needs[i].library);
        free(dynamic->needs[i].version);
    }
    free(dynamic->needs);
    free(dynamic->interpreter);
    free(dynamic->soname);
    free(dynamic->rpath);
    free(dynamic->runpath);
    strlist_release(&dynamic->needed);
    strlist_release(&dynamic->versions);
    *dynamic = (struct elf_dynamic){0};
}
