/* What a kernel's configuration (.config) says about its modules. */
#ifndef TOOLCHAIN_KERNEL_CONFIG_H
#define TOOLCHAIN_KERNEL_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/keyvalue.h"

struct kernel_config_facts {
    const char *machine;        /* as uname -m says it: "x86_64", "aarch64" */
    uint16_t elf_machine;       /* EM_X86_64, EM_AARCH64 */
    const char *compiler;       /* CONFIG_CC_VERSION_TEXT; owned by the configuration */
    const char *signature_hash; /* CONFIG_MODULE_SIG_HASH, "" without CONFIG_MODULE_SIG; likewise */
    const char *compression;    /* "none", "gzip", "xz", "zstd" */
    bool modversions;
    bool extended_modversions; /* since 6.14, which has a symbol for each table that it writes */
    bool signature_forced;
    bool livepatch;
    bool plt_sections; /* an arm64 kernel that loads no module without them */
    bool ecdsa;        /* not as a module: signatures are checked before any is loaded */
    bool p521;         /* a curve of its ecdsa since 6.10 */
};

/* The symbol ("CONFIG_SMP") is built in: "=y". */
bool kernel_config_is_set(const struct keyvalue *config, const char *symbol);

/*
 * How the kernel's own modules_install compresses. From 6.12 on an algorithm may be chosen while
 * CONFIG_MODULE_COMPRESS_ALL, which decides, is off. Such a configuration mentions that symbol, set
 * or not; one without such lines (auto.conf leaves out what is not set) is told by the release.
 */
const char *kernel_config_compression(const struct keyvalue *config, const char *text,
                                      const char *release);

/*
 * Reads the facts. `name` is the file's name for the sentence. ERROR_DAMAGED when a needed symbol
 * is missing, ERROR_REFUSED for an architecture prebake does not know.
 */
int kernel_config_read(const struct keyvalue *config, const char *text, const char *release,
                       const char *name, struct kernel_config_facts *facts,
                       struct error *err) MUST_CHECK;

#endif
