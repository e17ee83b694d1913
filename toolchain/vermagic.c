#include "toolchain/vermagic.h"

#include <string.h>

/* What follows `#define name` on its line, at the first such line of `text`; NULL without one. */
static const char *find_define(const char *text, const char *name) {
    static const char directive[] = "#define ";
    size_t length = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, directive, sizeof directive - 1))
            continue;
        const char *defined = line + sizeof directive - 1;
        if (!strncmp(defined, name, length) && strchr(" \t\n", defined[length]))
            return defined + length;
    }
    return NULL;
}

bool vermagic_defines(const char *autoconf, const char *symbol) {
    return find_define(autoconf, symbol) != NULL;
}

char *vermagic_string_macro(const char *text, const char *name) {
    const char *at = find_define(text, name);
    if (!at)
        return NULL;
    at += strspn(at, " \t");
    if (*at != '"')
        return NULL;
    size_t length = strcspn(at + 1, "\"\n");
    return at[1 + length] == '"' ? strndup(at + 1, length) : NULL;
}

static const char *word_if(const char *autoconf, const char *symbol, const char *word) {
    return vermagic_defines(autoconf, symbol) ? word : "";
}

/*
 * The order matters: a real-time kernel of 6.12 may have CONFIG_PREEMPT_BUILD as well.
 * CONFIG_PREEMPTION says nothing: every one of these kernels has it. A
 * kernel from before 5.16 has no CONFIG_PREEMPT_BUILD, and later ones have it whenever they are
 * built with CONFIG_PREEMPT.
 */
static const char *preemption_word(const char *autoconf) {
    if (vermagic_defines(autoconf, "CONFIG_PREEMPT_BUILD"))
        return "preempt ";
    if (vermagic_defines(autoconf, "CONFIG_PREEMPT_RT"))
        return "preempt_rt ";
    return word_if(autoconf, "CONFIG_PREEMPT", "preempt ");
}

/* CONFIG_GCC_PLUGIN_RANDSTRUCT exists in newer kernels as well, as one way to CONFIG_RANDSTRUCT. */
static bool is_seeded_by_plugin(const char *autoconf) {
    return vermagic_defines(autoconf, "CONFIG_GCC_PLUGIN_RANDSTRUCT") &&
           !vermagic_defines(autoconf, "CONFIG_RANDSTRUCT");
}

const char *vermagic_seed_header(const char *autoconf) {
    if (vermagic_defines(autoconf, "CONFIG_RANDSTRUCT"))
        return "randstruct_hash.h";
    return is_seeded_by_plugin(autoconf) ? "randomize_layout_hash.h" : NULL;
}

char *vermagic_compose(const char *release, const char *autoconf, const char *layout_seed) {
    const char *seed_word = is_seeded_by_plugin(autoconf) ? "RANDSTRUCT_PLUGIN_" : "RANDSTRUCT_";
    char *vermagic = NULL;
    int length = asprintf(&vermagic, "%s %s%s%s%s%s%s%s", release,
                          word_if(autoconf, "CONFIG_SMP", "SMP "), preemption_word(autoconf),
                          word_if(autoconf, "CONFIG_MODULE_UNLOAD", "mod_unload "),
                          word_if(autoconf, "CONFIG_MODVERSIONS", "modversions "),
                          word_if(autoconf, "CONFIG_ARM64", "aarch64"),
                          layout_seed ? seed_word : "", layout_seed ? layout_seed : "");
    return length < 0 ? NULL : vermagic;
}
