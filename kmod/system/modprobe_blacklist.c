#include "kmod/system/modprobe_blacklist.h"

#include <string.h>

#include "base/file.h"

#define CONFIG_SIZE_MAX (1U << 20)
#define SPACES " \t\r"

static const char *const folders[] = {"/etc/modprobe.d", "/run/modprobe.d",
                                      "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d",
                                      "/lib/modprobe.d"};

static char canonical(char letter) {
    return letter == '-' ? '_' : letter;
}

static bool is_module(const char *text, size_t length, const char *module) {
    size_t i = 0;
    while (i < length && module[i] && canonical(text[i]) == canonical(module[i]))
        i++;
    return i == length && !module[i];
}

/* "blacklist nouveau" */
static bool line_has(const char *line, size_t length, const char *module) {
    static const char *const words[] = {"blacklist", "install"};
    const char *end = line + length;
    while (line < end && strchr(SPACES, *line))
        line++;
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        size_t word = strlen(words[i]);
        if ((size_t)(end - line) <= word || strncmp(line, words[i], word) ||
            !strchr(SPACES, line[word]))
            continue;
        const char *name = line + word;
        while (name < end && strchr(SPACES, *name))
            name++;
        const char *after = name;
        while (after < end && !strchr(SPACES, *after))
            after++;
        return is_module(name, (size_t)(after - name), module);
    }
    return false;
}

static int file_has(const struct root *root, const char *path, const char *module, bool *found,
                    struct error *err) {
    struct stat st;
    AUTO_BUFFER struct buffer text = {0};
    AUTO_CLOSE int fd = -1;
    if (root_stat_following(root, path, &st) || !S_ISREG(st.st_mode) ||
        st.st_size > CONFIG_SIZE_MAX)
        return 0;
    int rc = root_open_file_following(root, path, &fd, err);
    if (!rc)
        rc = file_read_fd(fd, path, CONFIG_SIZE_MAX, &text, err);
    if (rc)
        return rc;
    const char *line = buffer_string(&text), *end = line + text.size;
    while (!*found && line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next : end;
        *found = line_has(line, (size_t)(next - line), module);
        line = next + 1;
    }
    return 0;
}

static bool is_config(const char *name) {
    size_t length = strlen(name);
    return length > 5 && name[0] != '.' && !strcmp(name + length - 5, ".conf");
}

static int folder_has(const struct root *root, const char *folder, const char *module, bool *found,
                      struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, folder, &names, err);
    for (size_t i = 0; !rc && !*found && i < names.count; i++) {
        AUTO_FREE char *path = NULL;
        if (!is_config(names.items[i]))
            continue;
        if (asprintf(&path, "%s/%s", folder, names.items[i]) < 0)
            return error_oom(err, "reading modprobe.d");
        rc = file_has(root, path, module, found, err);
    }
    return rc;
}

int modprobe_blacklist_has(const struct root *root, const char *module, bool *found,
                           struct error *err) {
    int rc = 0;
    *found = false;
    for (size_t i = 0; !rc && !*found && i < ARRAY_SIZE(folders); i++)
        rc = folder_has(root, folders[i], module, found, err);
    return rc;
}
