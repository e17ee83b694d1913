#include "test/unit/module_fixture.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "test/unit/workdir.h"

#define FIXTURE_SET_MAX 8

/* Appends to the source; what goes wrong shows when it is assembled. */
#define LINE(source, ...) failed |= buffer_printf(source, __VA_ARGS__) < 0

static const char *const *modinfo_of(const struct module_fixture *fixture) {
    static const char *const standard[FIXTURE_SYMBOLS_MAX] = FIXTURE_MODINFO;
    return fixture->modinfo[0] ? fixture->modinfo : standard;
}

/* An entry as it is written: modules of a set have different names, each its file's. */
static const char *written(const struct module_fixture *fixture, const char *entry) {
    static char name[64];
    if (!fixture->file || strcmp(entry, "name=fixture") != 0)
        return entry;
    snprintf(name, sizeof name, "name=%.*s", (int)strcspn(fixture->file, "."), fixture->file);
    return name;
}

static bool write_modinfo(struct buffer *source, const struct module_fixture *fixture) {
    bool failed = false;
    LINE(source, ".section .modinfo, \"a\"\n");
    for (const char *const *entry = modinfo_of(fixture); *entry; entry++)
        LINE(source, ".asciz \"%s\"\n", written(fixture, *entry));
    return !failed;
}

static bool write_version(struct buffer *source, const char *name, uint32_t crc) {
    bool failed = false;
    LINE(source, ".quad 0x%08x\n.ascii \"%s\"\n.zero 56 - %zu\n", crc, name, strlen(name));
    return !failed;
}

static bool write_versions(struct buffer *source, const struct module_fixture *fixture) {
    bool failed = fixture->without_versions;
    if (failed)
        return true;
    LINE(source, ".section __versions, \"a\"\n");
    if (!fixture->without_layout)
        failed |= !write_version(source, "module_layout", FIXTURE_LAYOUT_CRC);
    for (const struct fixture_symbol *at = fixture->versions; at->name; at++)
        failed |= !write_version(source, at->name, at->crc);
    return !failed;
}

static bool write_extended(struct buffer *source, const struct fixture_symbol *versions) {
    bool failed = false;
    if (!versions->name)
        return true;
    LINE(source, ".section __version_ext_crcs, \"a\"\n");
    for (const struct fixture_symbol *at = versions; at->name; at++)
        LINE(source, ".long 0x%08x\n", at->crc);
    LINE(source, ".section __version_ext_names, \"a\"\n");
    for (const struct fixture_symbol *at = versions; at->name; at++)
        LINE(source, ".asciz \"%s\"\n", at->name);
    LINE(source, ".byte 0\n"); /* as the compiler does behind the last string */
    return !failed;
}

static bool write_imports(struct buffer *source, const struct fixture_symbol *imports) {
    bool failed = false;
    LINE(source, ".data\n");
    for (const struct fixture_symbol *at = imports; at->name; at++)
        LINE(source, "%s%s\n.quad %s\n", at->weak ? ".weak " : ".globl ", at->name, at->name);
    return !failed;
}

static bool write_crc(struct buffer *source, const struct fixture_symbol *export) {
    bool failed = false;
    LINE(source, ".section __kcrctab%s, \"a\"\n", export->gpl_only ? "_gpl" : "");
    if (export->absolute_crc)
        LINE(source, ".globl __crc_%s\n.set __crc_%s, 0x%08x\n.reloc ., BFD_RELOC_32, __crc_%s\n",
             export->name, export->name, export->crc, export->name);
    else
        LINE(source, "__crc_%s:\n", export->name);
    LINE(source, ".long 0x%08x\n", export->absolute_crc ? 0 : export->crc);
    return !failed;
}

static bool write_export(struct buffer *source, const struct fixture_symbol *export) {
    const char *name = export->name;
    bool failed = false;
    LINE(source, ".section __ksymtab%s, \"a\"\n__ksymtab_%s: .long %s - .\n",
         export->gpl_only ? "_gpl" : "", name, name);
    LINE(source, ".long __kstrtab_%s - .\n.long __kstrtabns_%s - .\n", name, name);
    LINE(source, ".section __ksymtab_strings, \"aMS\", %%progbits, 1\n");
    LINE(source, "__kstrtab_%s: .asciz \"%s\"\n__kstrtabns_%s: .asciz \"%s\"\n", name, name, name,
         export->name_space ? export->name_space : "");
    LINE(source, ".text\n.globl %s\n%s: .byte 0\n", name, name);
    return !failed && (export->without_crc || write_crc(source, export));
}

/* What struct module says, which is what the first name= of .modinfo says unless told otherwise. */
static const char *struct_name(const struct module_fixture *fixture) {
    for (const char *const *entry = modinfo_of(fixture); !fixture->struct_name && *entry; entry++)
        if (strncmp(*entry, "name=", 5) == 0)
            return written(fixture, *entry) + 5;
    return fixture->struct_name ? fixture->struct_name : "";
}

static bool write_frame(struct buffer *source, const struct module_fixture *fixture) {
    bool failed = false;
    LINE(source, ".text\n.globl init_module\ninit_module: .byte 0xc3\n");
    LINE(source, ".section .gnu.linkonce.this_module, \"aw\"\n.zero 24\n.asciz \"%s\"\n.zero 800\n",
         struct_name(fixture));
    LINE(source, ".section .note.gnu.build-id, \"a\", %%note\n");
    LINE(source, ".long 4, 4, 3\n.asciz \"GNU\"\n.byte 0xde, 0xad, 0xbe, 0xef\n");
    return !failed;
}

static bool write_source(struct buffer *source, const struct module_fixture *fixture) {
    bool ok = write_modinfo(source, fixture) && write_versions(source, fixture) &&
              write_extended(source, fixture->extended) &&
              write_imports(source, fixture->imports) && write_frame(source, fixture);
    for (const struct fixture_symbol *at = fixture->exports; ok && at->name; at++)
        ok = write_export(source, at);
    return ok && (!fixture->assembly || buffer_append_string(source, fixture->assembly) == 0);
}

bool module_fixture_make(const struct module_fixture *fixture, struct module_file *file) {
    *file = (struct module_file){.name = NULL};
    const char *name = fixture->file ? fixture->file : "fixture.ko";
    AUTO_BUFFER struct buffer source = {.data = NULL};
    if (!write_source(&source, fixture) || !workdir_write("fixture.s", source.data, source.size) ||
        !workdir_run("as", "fixture.s", "-o", name, NULL))
        return false;
    struct error err = {.kind = ERROR_NONE};
    int rc = module_file_read(workdir_path(name), file, &err);
    if (rc < 0)
        fprintf(stderr, "%s\n", err.text);
    return rc == 0;
}

struct verify_target module_fixture_target(void) {
    static const char symvers[] = "0xca916cb2\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
                                  "0x0a0a0a0a\talpha\tvmlinux\tEXPORT_SYMBOL\t\n"
                                  "0x99bbccdd\tgpl_alpha\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
                                  "0x12345678\tspaced\tdrivers/other\tEXPORT_SYMBOL\tSPACE\n"
                                  "0x00000000\tunversioned\tvmlinux\tEXPORT_SYMBOL\t\n";
    return (struct verify_target) {
        .release = FIXTURE_RELEASE, .vermagic = FIXTURE_VERMAGIC,
#if defined(__aarch64__)
        .elf_machine = EM_AARCH64,
#else
        .elf_machine = EM_X86_64,
#endif
        .modversions = true, .extended_modversions = true, .symvers = symvers,
        .symvers_size = sizeof(symvers) - 1, .symvers_name = "Module.symvers",
    };
}

bool module_fixture_copy(const struct module_file *file, struct module_file *copy) {
    *copy = (struct module_file){.name = strdup(file->name), .elf_size = file->elf_size};
    return copy->name && buffer_append(&copy->content, file->content.data, file->content.size) == 0;
}

bool module_fixture_verify(const struct module_fixture *fixtures, size_t count,
                           const struct verify_target *target, struct verify_report *report) {
    struct module_file files[FIXTURE_SET_MAX] = {{.name = NULL}};
    struct verify_target standard = module_fixture_target();
    struct error err = {.kind = ERROR_NONE};
    bool ok = count <= FIXTURE_SET_MAX;
    for (size_t i = 0; ok && i < count; i++)
        ok = module_fixture_make(&fixtures[i], &files[i]);
    int rc = ok ? verify_modules(target ? target : &standard, files, count, report, &err) : -EIO;
    if (ok && rc < 0)
        fprintf(stderr, "%s\n", err.text);
    for (size_t i = 0; i < count && i < FIXTURE_SET_MAX; i++)
        module_file_release(&files[i]);
    return rc == 0;
}

static bool same(const char *expected, const char *text) {
    return expected && text ? strcmp(expected, text) == 0 : expected == text;
}

/* What there was instead, for whoever reads the test's output. */
static void explain(const struct verify_verdict *verdict) {
    fprintf(stderr, "%s: %zu failures\n", verdict->file, verdict->failure_count);
    for (size_t i = 0; i < verdict->failure_count; i++) {
        const struct verify_failure *failure = &verdict->failures[i];
        fprintf(stderr, "    %s, symbol %s, wanted %s, found %s: %s\n", failure->check,
                failure->symbol, failure->wanted, failure->found, failure->text);
    }
}

bool module_fixture_fails(const struct module_fixture *fixture, const char *check,
                          const char *symbol, const char *wanted, const char *found) {
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    if (!module_fixture_verify(fixture, 1, NULL, &report))
        return false;
    const struct verify_verdict *verdict = &report.verdicts[0];
    const struct verify_failure *failure = verdict->failures;
    bool ok = report.failed == 1 && verdict->failure_count == 1 &&
              strcmp(failure->check, check) == 0 && same(symbol, failure->symbol) &&
              same(wanted, failure->wanted) && same(found, failure->found) && *failure->text;
    if (!ok)
        explain(verdict);
    return ok;
}

bool module_fixture_loads(const struct module_fixture *fixture) {
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    if (!module_fixture_verify(fixture, 1, NULL, &report))
        return false;
    if (report.failed > 0)
        explain(&report.verdicts[0]);
    return report.count == 1 && report.failed == 0 && report.verdicts[0].failure_count == 0;
}
