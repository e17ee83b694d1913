#include "kmod/module/symvers.h"

#include <ctype.h>
#include <string.h>

#define COLUMNS 5

/*
 * Cuts a line at its tabs:
 *
 *     0x4c9d28b0 TAB phys_base TAB vmlinux TAB EXPORT_SYMBOL [TAB namespace]
 *
 * Returns how many columns there are; the ones that are missing are "".
 */
static size_t split(char *line, const char *columns[static COLUMNS]) {
    size_t count = 0;
    while (line && count < COLUMNS) {
        columns[count++] = line;
        line = strchr(line, '\t');
        if (line)
            *line++ = '\0';
    }
    for (size_t i = count; i < COLUMNS; i++)
        columns[i] = "";
    return count;
}

/* modpost writes "0x%08x". */
static bool parse_crc(const char *word, uint32_t *crc) {
    uint64_t value = 0;
    if (word[0] != '0' || word[1] != 'x' || !word[2])
        return false;
    for (const char *digit = word + 2; *digit; digit++) {
        if (!isxdigit((unsigned char)*digit))
            return false;
        value =
            value << 4 |
            (unsigned)(isdigit((unsigned char)*digit) ? *digit - '0' : (*digit | 0x20) - 'a' + 10);
        if (value > UINT32_MAX)
            return false;
    }
    *crc = (uint32_t)value;
    return true;
}

/* The kinds that modpost has written since modules have had symbol versions. */
static bool parse_kind(const char *word, bool *gpl_only) {
    static const struct {
        const char *word;
        bool gpl_only;
    } kinds[] = {
        {"EXPORT_SYMBOL", false},
        {"EXPORT_SYMBOL_GPL", true},
        {"EXPORT_UNUSED_SYMBOL", false},
        {"EXPORT_UNUSED_SYMBOL_GPL", true},
        {"EXPORT_SYMBOL_GPL_FUTURE", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(word, kinds[i].word) == 0) {
            *gpl_only = kinds[i].gpl_only;
            return true;
        }
    }
    return false;
}

static int parse_line(char *line, size_t number, const char *name, struct symvers *symvers,
                      struct error *err) {
    const char *columns[COLUMNS];
    struct export export = {.sibling = EXPORT_FROM_KERNEL, .has_crc = true};
    if (split(line, columns) < 4 || !*columns[1] || !parse_crc(columns[0], &export.crc) ||
        !parse_kind(columns[3], &export.gpl_only))
        return error_set(err, ERROR_DAMAGED, EBADMSG,
                         "%s, line %zu: not a line of a Module.symvers; install the kernel's "
                         "headers again",
                         name, number);
    const char *slash = strrchr(columns[2], '/');
    export.name = columns[1];
    export.owner = slash ? slash + 1 : columns[2];
    export.name_space = columns[4];
    return export_table_add(&symvers->exports, &export) < 0
               ? error_oom(err, "reading Module.symvers")
               : 0;
}

static int parse_lines(const char *name, struct symvers *symvers, struct error *err) {
    size_t number = 0;
    for (char *line = symvers->text, *next; *line; line = next) {
        next = strchrnul(line, '\n');
        if (*next)
            *next++ = '\0';
        int rc = parse_line(line, ++number, name, symvers, err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int symvers_parse(const char *text, size_t size, const char *name, struct symvers *symvers,
                  struct error *err) {
    *symvers = (struct symvers){.text = NULL};
    if (size > 0 && memchr(text, '\0', size))
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s holds a NUL byte", name);
    symvers->text = strndup(size > 0 ? text : "", size);
    if (!symvers->text)
        return error_oom(err, "reading Module.symvers");
    int rc = parse_lines(name, symvers, err);
    if (rc < 0)
        symvers_release(symvers);
    return rc;
}

void symvers_release(struct symvers *symvers) {
    export_table_release(&symvers->exports);
    free(symvers->text);
    *symvers = (struct symvers){.text = NULL};
}
