#include "toolchain/build_log.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#define LINE_SIZE 4096

/* Kinds of lines, best first: a later one is often only what an earlier one led to. */
enum rank { RANK_COMPILER, RANK_TOOL, RANK_MAKE, RANK_LAST_LINE, RANK_COUNT };

static const struct {
    const char *text;
    enum rank rank;
    bool begins; /* the line, white space aside: V=1 shows shell commands that echo such text */
} marks[] = {
    {.text = ": error: ", .rank = RANK_COMPILER},
    {.text = ": fatal error: ", .rank = RANK_COMPILER},
    {.text = ": undefined reference to ", .rank = RANK_COMPILER},
    {.text = ": Error: ", .rank = RANK_COMPILER}, /* the assembler's */
    {.text = "ERROR: modpost: ", .rank = RANK_TOOL, .begins = true},
    {.text = "No rule to make target", .rank = RANK_TOOL},
    {.text = ": command not found", .rank = RANK_TOOL},
    {.text = ": No such file or directory", .rank = RANK_TOOL},
    {.text = ": No space left on device", .rank = RANK_TOOL},
    {.text = "*** ", .rank = RANK_MAKE},
    {.text = "ERROR: ", .rank = RANK_MAKE, .begins = true},
};

static enum rank rank_line(const char *line) {
    const char *start = line + strspn(line, " \t");
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
        const char *at = strstr(start, marks[i].text);
        if (at && (at == start || !marks[i].begins))
            return marks[i].rank;
    }
    return RANK_LAST_LINE;
}

/* What make adds to a failure: "*** [Makefile:250: nv.o] Error 1", "*** Waiting for…". */
static bool is_echo(const char *line) {
    return (strstr(line, "] Error ") && strstr(line, "*** [")) || strstr(line, "*** Waiting for ");
}

/* The log is shown on terminals. */
static void clean_line(char *line) {
    size_t length = strlen(line);
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        line[--length] = '\0';
    for (; *line; line++)
        if (((unsigned char)*line < ' ' && *line != '\t') || *line == 0x7f)
            *line = '?';
}

/* Reads one line's beginning; what does not fit is passed over. */
static bool next_line(FILE *log, char line[static LINE_SIZE]) {
    if (!fgets(line, LINE_SIZE, log))
        return false;
    if (!strchr(line, '\n'))
        for (int c = getc(log); c != EOF && c != '\n';)
            c = getc(log);
    clean_line(line);
    return true;
}

struct best {
    char lines[RANK_COUNT][LINE_SIZE];
};

static void read_lines(FILE *log, struct best *best) {
    char line[LINE_SIZE];
    while (next_line(log, line)) {
        if (!*line)
            continue;
        enum rank rank = rank_line(line);
        if (rank == RANK_MAKE && is_echo(line))
            rank = RANK_LAST_LINE;
        if (rank == RANK_LAST_LINE || !best->lines[rank][0])
            memcpy(best->lines[rank], line, LINE_SIZE);
    }
}

static const char *strip_prefix(const char *text, const char *prefix) {
    size_t length = strlen(prefix);
    return !strncmp(text, prefix, length) && text[length] == '/' ? text + length + 1 : text;
}

/*
 * Takes "file:line:column: message" or "file:line: message" apart. What has no such beginning is
 * all message.
 */
static int split(const char *line, const char *build_dir, struct build_log_error *found) {
    line = strip_prefix(line, build_dir);
    size_t file = strcspn(line, ": \t");
    char *end = NULL;
    unsigned long number = line[file] == ':' ? strtoul(line + file + 1, &end, 10) : 0;
    bool has_place =
        number > 0 && number <= UINT_MAX && isdigit((unsigned char)line[file + 1]) && *end == ':';
    if (has_place && isdigit((unsigned char)end[1])) {
        size_t digits = strspn(end + 1, "0123456789");
        end += end[1 + digits] == ':' ? digits + 1 : 0;
    }
    found->file = has_place ? strndup(line, file) : strdup("");
    found->line = has_place ? (unsigned)number : 0;
    found->message = strdup(has_place ? end + 1 + strspn(end + 1, " ") : line);
    return found->file && found->message ? 0 : -ENOMEM;
}

int build_log_first_error(const char *path, const char *build_dir, struct build_log_error *found,
                          struct error *err) {
    *found = (struct build_log_error){0};
    AUTO_FCLOSE FILE *log = fopen(path, "re");
    if (!log)
        return error_io(err, errno, "can't read the log %s", path);
    AUTO_FREE struct best *best = calloc(1, sizeof *best);
    if (!best)
        return error_oom(err, "reading a log");
    read_lines(log, best);
    const char *line = "make said nothing";
    for (size_t rank = RANK_COUNT; rank-- > 0;)
        if (best->lines[rank][0])
            line = best->lines[rank];
    if (!split(line, build_dir, found))
        return 0;
    build_log_release(found);
    return error_oom(err, "reading a log");
}

void build_log_release(struct build_log_error *found) {
    free(found->file);
    free(found->message);
    *found = (struct build_log_error){0};
}

char *build_log_describe(const struct build_log_error *found) {
    char *text = NULL;
    int length = found->line
                     ? asprintf(&text, "%s:%u: %s", found->file, found->line, found->message)
                     : asprintf(&text, "%s", found->message);
    return length < 0 ? NULL : text;
}
