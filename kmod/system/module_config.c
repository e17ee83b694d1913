#include "kmod/system/module_config.h"

#include <fnmatch.h>
#include <string.h>

#include "base/file.h"

#define SIZE_LIMIT (1U << 20)
#define BLANK " \t\r"

static const char reading[] = "reading the modules' configuration";

typedef int (*visitor)(void *context, const struct module_config_entry *entry, struct error *err);

struct walk {
    const struct root *root;
    visitor visit;
    void *context;
    struct strlist seen; /* canonical folders */
};

static char *next_word(char **rest) {
    *rest += strspn(*rest, BLANK);
    return **rest ? strsep(rest, BLANK) : NULL;
}

/* strsep() leaves NULL after the last word. */
static char *word_of(char **rest) {
    return *rest ? next_word(rest) : NULL;
}

static int tell(const struct walk *walk, const struct module_config_entry *entry,
                struct error *err) {
    return walk->visit(walk->context, entry, err);
}

/* softdep's words after the first are modules too, but for "pre:" and "post:". */
static int take_softdep(const struct walk *walk, const char *file, char *rest, struct error *err) {
    int rc = 0;
    for (char *name; !rc && (name = word_of(&rest));)
        if (strcmp(name, "pre:") && strcmp(name, "post:"))
            rc = tell(walk, &(struct module_config_entry){file, "softdep", name, true, ""}, err);
    return rc;
}

/* "alias PATTERN MODULE" names the module second. */
static int take_command(const struct walk *walk, const char *file, char *line, struct error *err) {
    static const struct {
        const char *word;
        bool runs;
    } commands[] = {{"blacklist", false}, {"install", true}, {"options", false}, {"remove", true}};
    char *rest = line, *word = word_of(&rest), *name = word_of(&rest);
    if (!name)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
        if (!strcmp(word, commands[i].word)) {
            const char *runs = commands[i].runs && rest ? rest : "";
            return tell(walk, &(struct module_config_entry){file, word, name, false, runs}, err);
        }
    if (!strcmp(word, "softdep"))
        return take_softdep(walk, file, rest, err);
    if (strcmp(word, "alias") || !(name = word_of(&rest)))
        return 0;
    return tell(walk, &(struct module_config_entry){file, word, name, true, ""}, err);
}

static int take_load(const struct walk *walk, const char *file, char *line, struct error *err) {
    char *rest = line, *name = word_of(&rest);
    return name ? tell(walk, &(struct module_config_entry){file, "load", name, true, ""}, err) : 0;
}

/* A backslash at a line's end joins it with the next, in modprobe's files. */
static void join_lines(char *text) {
    for (char *at = text; (at = strstr(at, "\\\n")); at += 2)
        memset(at, ' ', 2);
}

static int read_conf(const struct walk *walk, const char *path, bool is_modprobe,
                     struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    struct stat st;
    if (root_stat_following(walk->root, path, &st) || !S_ISREG(st.st_mode))
        return 0;
    int rc = file_read_following(walk->root, path, SIZE_LIMIT, &text, err);
    char *rest = (char *)text.data;
    if (!rc && rest && is_modprobe)
        join_lines(rest);
    for (char *line; !rc && rest && (line = strsep(&rest, "\n"));) {
        line += strspn(line, BLANK);
        if (*line && *line != '#' && *line != ';')
            rc = (is_modprobe ? take_command : take_load)(walk, path, line, err);
    }
    return rc;
}

/* modprobe reads *.alias like *.conf; hidden files nobody reads. */
static bool is_read(const char *name, bool is_modprobe) {
    return !fnmatch("*.conf", name, FNM_PERIOD) ||
           (is_modprobe && !fnmatch("*.alias", name, FNM_PERIOD));
}

/* No folder is no configuration. */
static int read_folder(struct walk *walk, const char *folder, bool is_modprobe, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_FREE char *canonical = NULL;
    struct error ignored = {0};
    if (root_canonical(walk->root, folder, &canonical, &ignored) ||
        strlist_contains(&walk->seen, canonical))
        return 0;
    if (strlist_add(&walk->seen, canonical))
        return error_oom(err, reading);
    int rc = root_list(walk->root, canonical, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        AUTO_FREE char *path = NULL;
        if (!is_read(names.items[i], is_modprobe))
            continue;
        if (asprintf(&path, "%s/%s", canonical, names.items[i]) < 0)
            return error_oom(err, reading);
        rc = read_conf(walk, path, is_modprobe, err);
    }
    return rc;
}

int module_config_walk(const struct root *root, visitor visit, void *context, struct error *err) {
    static const char *const places[] = {"/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"};
    static const char *const folders[] = {"modules-load.d", "modprobe.d"};
    struct walk walk = {.root = root, .visit = visit, .context = context};
    int rc = read_conf(&walk, "/etc/modules", false, err);
    for (size_t i = 0; !rc && i < ARRAY_SIZE(places) * ARRAY_SIZE(folders); i++) {
        AUTO_FREE char *folder = NULL;
        if (asprintf(&folder, "%s/%s", places[i / 2], folders[i % 2]) < 0)
            rc = error_oom(err, reading);
        else
            rc = read_folder(&walk, folder, i % 2, err);
    }
    strlist_release(&walk.seen);
    return rc;
}
