#include "kmod/system/ld_so_conf.h"

#include <elf.h>
#include <fnmatch.h>
#include <string.h>

#include "base/file.h"

#define CONFIGURATION "/etc/ld.so.conf"
#define CONFIGURATION_MAX (256U << 10)
#define DEPTH_MAX 8
#define FILES_MAX 256

struct reading {
    const struct root *root;
    struct strlist *folders;
    unsigned files;
};

static int read_conf(struct reading *reading, const char *path, unsigned depth, struct error *err);

/* The pattern as a path inside the root: ldconfig takes it relative to the file that has it. */
static char *absolute(const char *pattern, const char *file) {
    if (*pattern == '/')
        return strdup(pattern);
    char *path = NULL;
    int folder = (int)(strrchr(file, '/') - file);
    return asprintf(&path, "%.*s/%s", folder, file, pattern) < 0 ? NULL : path;
}

static int include(struct reading *reading, const char *pattern, const char *file, unsigned depth,
                   struct error *err) {
    AUTO_FREE char *folder = absolute(pattern, file);
    if (!folder)
        return error_oom(err, "reading ld.so.conf");
    char *slash = strrchr(folder, '/');
    *slash = '\0';
    AUTO_STRLIST struct strlist names = {0};
    if (!root_is_directory(reading->root, *folder ? folder : "/"))
        return 0;
    int rc = root_list(reading->root, *folder ? folder : "/", &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        AUTO_FREE char *path = NULL;
        if (fnmatch(slash + 1, names.items[i], FNM_PERIOD))
            continue;
        if (asprintf(&path, "%s/%s", folder, names.items[i]) < 0)
            return error_oom(err, "reading ld.so.conf");
        rc = read_conf(reading, path, depth + 1, err);
    }
    return rc;
}

/* Cuts white space at both ends and a comment. */
static char *trim(char *line) {
    line[strcspn(line, "#")] = '\0';
    line += strspn(line, " \t\r");
    size_t length = strlen(line);
    while (length > 0 && strchr(" \t\r", line[length - 1]))
        line[--length] = '\0';
    return line;
}

static int read_line(struct reading *reading, char *line, const char *path, unsigned depth,
                     struct error *err) {
    static const char keyword[] = "include";
    size_t length = strlen(keyword);
    line = trim(line);
    if (!strncmp(line, keyword, length) && (line[length] == ' ' || line[length] == '\t')) {
        int rc = 0;
        char *rest = line + length;
        for (char *pattern; !rc && (pattern = strsep(&rest, " \t"));)
            rc = *pattern ? include(reading, pattern, path, depth, err) : 0;
        return rc;
    }
    /* Anything else that is no path ("hwcap 0 nosegneg") ldconfig passes over as well. */
    if (*line == '/' && strlist_add(reading->folders, line))
        return error_oom(err, "reading ld.so.conf");
    return 0;
}

static int read_conf(struct reading *reading, const char *path, unsigned depth, struct error *err) {
    if (depth > DEPTH_MAX || ++reading->files > FILES_MAX)
        return error_set(err, ERROR_DAMAGED, ELOOP,
                         "%s includes too many files (at %s): more than %d, or nested deeper "
                         "than %d",
                         CONFIGURATION, path, FILES_MAX, DEPTH_MAX);
    struct stat st;
    if (root_stat_following(reading->root, path, &st) || !S_ISREG(st.st_mode))
        return 0;
    AUTO_BUFFER struct buffer text = {0};
    int rc = file_read_following(reading->root, path, CONFIGURATION_MAX, &text, err);
    char *rest = (char *)text.data;
    for (char *line; !rc && rest && (line = strsep(&rest, "\n"));)
        rc = read_line(reading, line, path, depth, err);
    return rc;
}

int ld_so_conf_folders(const struct root *root, struct strlist *folders, struct error *err) {
    struct reading reading = {.root = root, .folders = folders};
    return read_conf(&reading, CONFIGURATION, 0, err);
}

static const char *multiarch_name(int machine) {
    static const struct {
        int machine;
        const char *name;
    } names[] = {
        {EM_X86_64, "x86_64-linux-gnu"}, {EM_AARCH64, "aarch64-linux-gnu"},
        {EM_386, "i386-linux-gnu"},      {EM_ARM, "arm-linux-gnueabihf"},
        {EM_RISCV, "riscv64-linux-gnu"}, {EM_PPC64, "powerpc64le-linux-gnu"},
        {EM_S390, "s390x-linux-gnu"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i].machine == machine)
            return names[i].name;
    return NULL;
}

int ld_so_conf_builtin_folders(int elf_class, int machine, struct strlist *folders,
                               struct error *err) {
    static const char *const places[] = {"", "/usr"};
    const char *multiarch = multiarch_name(machine);
    int rc = 0;
    for (size_t i = 0; !rc && multiarch && i < ARRAY_SIZE(places); i++)
        rc = strlist_addf(folders, "%s/lib/%s", places[i], multiarch);
    for (size_t i = 0; !rc && elf_class == ELFCLASS64 && i < ARRAY_SIZE(places); i++)
        rc = strlist_addf(folders, "%s/lib64", places[i]);
    for (size_t i = 0; !rc && i < ARRAY_SIZE(places); i++)
        rc = strlist_addf(folders, "%s/lib", places[i]);
    return rc ? error_oom(err, "listing the loader's folders") : 0;
}
