/*
 * What an ELF program or shared library asks of the dynamic loader, by its program headers as the
 * loader sees them (section headers may be missing or lie).
 */
#ifndef KMOD_ELF_DYNAMIC_H
#define KMOD_ELF_DYNAMIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strlist.h"

/* A symbol version that must be defined by a needed library (.gnu.version_r). */
struct elf_version_need {
    char *library; /* "libc.so.6" */
    char *version; /* "GLIBC_2.34" */
    bool weak;     /* the loader only warns when it is missing */
};

struct elf_dynamic {
    int elf_class;     /* ELFCLASS64 */
    int machine;       /* EM_X86_64 */
    char *interpreter; /* PT_INTERP, NULL when there is none */
    char *soname;      /* NULL when there is none */
    char *rpath;       /* DT_RPATH, NULL when there is none or DT_RUNPATH replaces it */
    char *runpath;     /* DT_RUNPATH, NULL when there is none */
    struct strlist needed;
    struct elf_version_need *needs;
    size_t need_count;
    struct strlist versions; /* it defines (.gnu.version_d), its own name included */
};

/*
 * Reads `fd`, an ELF file; `name` is for sentences. Every offset, size and string is checked
 * against the file; tables are bounded. ERROR_DAMAGED: not an ELF program or shared library
 * (−ENOEXEC), or one whose dynamic section can't be trusted (−EBADMSG). A static program has
 * nothing but class and machine.
 */
int elf_dynamic_read(int fd, const char *name, struct elf_dynamic *dynamic,
                     struct error *err) MUST_CHECK;

void elf_dynamic_release(struct elf_dynamic *dynamic);
#define AUTO_ELF_DYNAMIC AUTO(elf_dynamic_release)

#endif
