/*
 * Arbitrary bytes as a module, through all that reads one: file, facts, verify. For libFuzzer:
 *
 *     clang -fsanitize=fuzzer,address,undefined … test/fuzz/fuzz_module.c
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "base/file.h"
#include "kmod/module/module_facts.h"
#include "kmod/module/module_file.h"
#include "kmod/module/verify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void verify(const struct module_file *file) {
    static const char symvers[] = "0xca916cb2\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
                                  "0x0a0a0a0a\talpha\tvmlinux\tEXPORT_SYMBOL_GPL\tSPACE\n";
    const struct verify_target target = {
        .release = "6.1.0",
        .vermagic = "6.1.0 SMP mod_unload modversions ",
        .elf_machine = EM_X86_64,
        .modversions = true,
        .extended_modversions = true,
        .symvers = symvers,
        .symvers_size = sizeof(symvers) - 1,
        .symvers_name = "Module.symvers",
    };
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    struct error err = {.kind = ERROR_NONE};
    if (verify_modules(&target, file, 1, &report, &err) < 0)
        abort(); /* a hostile file gets a verdict, not an error */
}

/* The file as it is given, and the bytes as they are: what the reader refuses too early otherwise.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO_CLOSE int fd = memfd_create("module", MFD_CLOEXEC);
    if (fd < 0 || file_write_all(fd, data, size) < 0)
        abort();
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    struct error err = {.kind = ERROR_NONE};
    if (module_file_read_fd(fd, "fuzz.ko", &file, &err) < 0) {
        file.name = strdup("fuzz.ko");
        file.elf_size = size;
        if (!file.name || buffer_append(&file.content, data, size) < 0)
            abort();
    }
    AUTO_MODULE_FACTS struct module_facts facts = {.name = NULL};
    if (module_facts_read(&file, &facts, &err) < 0 && err.kind != ERROR_DAMAGED)
        abort();
    verify(&file);
    return 0;
}
