#include "kmod/system/elf_dynamic.h"

#include <limits.h>
#include <string.h>

#include "kmod/system/elf_image.h"

/* What DT_* entries say; addresses are of the loaded image. */
struct tags {
    uint64_t strings, strings_size;
    uint64_t needs, need_count;
    uint64_t definitions, definition_count;
    uint64_t soname, rpath, runpath; /* offsets in the string table, UINT64_MAX: none */
};

struct reader {
    struct elf_image image;
    struct tags tags;
    const char *strings;
    uint64_t strings_size;
    struct error *err;
};

static int damaged(const struct reader *reader, const char *what) {
    return elf_image_damaged(&reader->image, what, reader->err);
}

static int oom(const struct reader *reader) {
    return error_oom(reader->err, "reading an ELF file");
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
    const Elf_Data *data =
        header->p_filesz <= PATH_MAX
            ? elf_image_chunk(&reader->image, header->p_offset, header->p_filesz, ELF_T_BYTE)
            : NULL;
    if (!data || !memchr(data->d_buf, '\0', data->d_size))
        return damaged(reader, "its interpreter's name can't be read");
    free(dynamic->interpreter);
    dynamic->interpreter = strdup(data->d_buf);
    return dynamic->interpreter ? 0 : oom(reader);
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
    const Elf_Data *data = elf_image_table(&reader->image, reader->tags.strings, ELF_T_BYTE);
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
    return *text ? 0 : oom(reader);
}

static int read_needed(const struct reader *reader, Elf_Data *section,
                       struct elf_dynamic *dynamic) {
    GElf_Dyn entry;
    for (int i = 0; next_entry(section, i, &entry); i++) {
        const char *library = entry.d_tag == DT_NEEDED ? string_at(reader, entry.d_un.d_val) : "";
        if (!library)
            return damaged(reader, "the name of a needed library lies outside its table");
        if (*library && strlist_add(&dynamic->needed, library))
            return oom(reader);
    }
    return 0;
}

static int add_need(const struct reader *reader, struct elf_dynamic *dynamic, const char *library,
                    const GElf_Vernaux *version) {
    const char *name = string_at(reader, version->vna_name);
    if (!name || dynamic->need_count >= ELF_IMAGE_ENTRIES_MAX)
        return damaged(reader, "its table of needed versions can't be read");
    struct elf_version_need *needs =
        reallocarray(dynamic->needs, dynamic->need_count + 1, sizeof *needs);
    if (!needs)
        return oom(reader);
    dynamic->needs = needs;
    struct elf_version_need *need = &needs[dynamic->need_count++];
    *need = (struct elf_version_need){
        .library = strdup(library),
        .version = strdup(name),
        .weak = version->vna_flags & VER_FLG_WEAK,
    };
    return need->library && need->version ? 0 : oom(reader);
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
        if (at > ELF_IMAGE_TABLE_MAX || !gelf_getvernaux(table, (int)at, &version))
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
    Elf_Data *table = elf_image_table(&reader->image, reader->tags.needs, ELF_T_VNEED);
    uint64_t at = 0;
    for (uint64_t i = 0; i < reader->tags.need_count; i++) {
        GElf_Verneed need;
        if (!table || i >= ELF_IMAGE_ENTRIES_MAX || at > ELF_IMAGE_TABLE_MAX ||
            !gelf_getverneed(table, (int)at, &need))
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
    Elf_Data *table = elf_image_table(&reader->image, reader->tags.definitions, ELF_T_VDEF);
    uint64_t at = 0;
    for (uint64_t i = 0; i < reader->tags.definition_count; i++) {
        GElf_Verdef definition;
        GElf_Verdaux first;
        const char *version = NULL;
        if (table && i < ELF_IMAGE_ENTRIES_MAX && at <= ELF_IMAGE_TABLE_MAX &&
            gelf_getverdef(table, (int)at, &definition) &&
            at + definition.vd_aux <= ELF_IMAGE_TABLE_MAX &&
            gelf_getverdaux(table, (int)(at + definition.vd_aux), &first))
            version = string_at(reader, first.vda_name);
        if (!version)
            return damaged(reader, "its table of defined versions can't be read");
        if (strlist_add(&dynamic->versions, version))
            return oom(reader);
        if (definition.vd_next == 0)
            return 0;
        at += definition.vd_next;
    }
    return 0;
}

static int read_dynamic(struct reader *reader, const GElf_Phdr *header,
                        struct elf_dynamic *dynamic) {
    Elf_Data *section =
        elf_image_chunk(&reader->image, header->p_offset, header->p_filesz, ELF_T_DYN);
    if (!section)
        return damaged(reader, "its dynamic section lies outside the file (truncated?)");
    GElf_Dyn entry;
    memset(&reader->tags, 0xff, sizeof reader->tags);
    for (int i = 0; next_entry(section, i, &entry); i++)
        if (i >= ELF_IMAGE_ENTRIES_MAX)
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
    for (size_t i = 0; i < reader->image.header_count; i++) {
        GElf_Phdr header;
        int rc = 0;
        if (!gelf_getphdr(reader->image.elf, (int)i, &header))
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

static void release_reader(struct reader *reader) {
    elf_image_release(&reader->image);
}

int elf_dynamic_read(int fd, const char *name, struct elf_dynamic *dynamic, struct error *err) {
    struct reader reader AUTO(release_reader) = {.err = err};
    *dynamic = (struct elf_dynamic){0};
    int rc = elf_image_open(fd, name, &reader.image, err);
    if (rc)
        return rc;
    dynamic->elf_class = reader.image.elf_class;
    dynamic->machine = reader.image.machine;
    rc = read_headers(&reader, dynamic);
    if (rc)
        elf_dynamic_release(dynamic);
    return rc;
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
