#include "toolchain/kernel_config.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

bool kernel_config_is_set(const struct keyvalue *config, const char *symbol) {
    const char *value = keyvalue_get(config, symbol);
    return value && !strcmp(value, "y");
}

static bool is_at_least(const char *release, unsigned major, unsigned minor) {
    unsigned have_major = 0, have_minor = 0;
    if (sscanf(release, "%4u.%4u", &have_major, &have_minor) != 2)
        return false;
    return have_major > major || (have_major == major && have_minor >= minor);
}

const char *kernel_config_compression(const struct keyvalue *config, const char *text,
                                      const char *release) {
    static const char decider[] = "CONFIG_MODULE_COMPRESS_ALL";
    static const struct {
        const char *symbol;
        const char *name;
    } algorithms[] = {
        {"CONFIG_MODULE_COMPRESS_GZIP", "gzip"},
        {"CONFIG_MODULE_COMPRESS_XZ", "xz"},
        {"CONFIG_MODULE_COMPRESS_ZSTD", "zstd"},
    };
    bool has_decider = strstr(text, decider) || is_at_least(release, 6, 12);
    if (has_decider && !kernel_config_is_set(config, decider))
        return "none";
    for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
        if (kernel_config_is_set(config, algorithms[i].symbol))
            return algorithms[i].name;
    return "none";
}

static int read_machine(const struct keyvalue *config, const char *name,
                        struct kernel_config_facts *facts, struct error *err) {
    static const struct {
        const char *symbol;
        const char *machine;
        uint16_t elf_machine;
    } known[] = {
        {"CONFIG_X86_64", "x86_64", EM_X86_64},
        {"CONFIG_ARM64", "aarch64", EM_AARCH64},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
        if (kernel_config_is_set(config, known[i].symbol)) {
            facts->machine = known[i].machine;
            facts->elf_machine = known[i].elf_machine;
            return 0;
        }
    }
    return error_set(err, ERROR_REFUSED, ENOTSUP,
                     "%s is neither of an x86-64 nor of an arm64 kernel: prebake builds for these "
                     "two",
                     name);
}

static int missing_symbol(struct error *err, const char *name, const char *symbol) {
    return error_set(err, ERROR_DAMAGED, EBADMSG,
                     "%s does not have %s: reinstall the kernel's headers", name, symbol);
}

/* Before 6.5 it was a choice, which address randomization made (kernel/module-plts.c). */
static bool wants_plt_sections(const struct keyvalue *config, const char *release) {
    return kernel_config_is_set(config, "CONFIG_ARM64_MODULE_PLTS") ||
           (kernel_config_is_set(config, "CONFIG_ARM64") && is_at_least(release, 6, 5));
}

int kernel_config_read(const struct keyvalue *config, const char *text, const char *release,
                       const char *name, struct kernel_config_facts *facts, struct error *err) {
    *facts = (struct kernel_config_facts){
        .compiler = keyvalue_get(config, "CONFIG_CC_VERSION_TEXT"),
        .signature_hash = "",
        .compression = kernel_config_compression(config, text, release),
        .modversions = kernel_config_is_set(config, "CONFIG_MODVERSIONS"),
        .extended_modversions = kernel_config_is_set(config, "CONFIG_EXTENDED_MODVERSIONS") ||
                                kernel_config_is_set(config, "CONFIG_BASIC_MODVERSIONS"),
        .signature_forced = kernel_config_is_set(config, "CONFIG_MODULE_SIG_FORCE"),
        .livepatch = kernel_config_is_set(config, "CONFIG_LIVEPATCH"),
        .plt_sections = wants_plt_sections(config, release),
        .ecdsa = kernel_config_is_set(config, "CONFIG_CRYPTO_ECDSA"),
        .p521 = is_at_least(release, 6, 10),
    };
    if (kernel_config_is_set(config, "CONFIG_MODULE_SIG"))
        facts->signature_hash = keyvalue_get(config, "CONFIG_MODULE_SIG_HASH");
    if (!facts->signature_hash)
        return missing_symbol(err, name, "CONFIG_MODULE_SIG_HASH");
    if (!facts->compiler || !*facts->compiler)
        return missing_symbol(err, name, "CONFIG_CC_VERSION_TEXT");
    return read_machine(config, name, facts, err);
}
