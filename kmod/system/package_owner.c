#include "kmod/system/package_owner.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "base/file.h"

#define LISTS "/var/lib/dpkg/info"
#define DIVERSIONS "/var/lib/dpkg/diversions"
#define LIST_SIZE_MAX ((size_t)64 << 20)

struct candidate {
    const char *key; /* the path as compared */
    const char *path;
    bool owned;
};

struct search {
    struct candidate *candidates; /* by key */
    size_t count;
};

/* "/usr/lib/x" and "/lib/x" are one file where /usr is merged; elsewhere this errs towards a
 * package. */
static const char *compared(const char *path) {
    static const char *const merged[] = {"/usr/bin/", "/usr/sbin/", "/usr/lib"};
    for (size_t i = 0; i < ARRAY_SIZE(merged); i++)
        if (!strncmp(path, merged[i], strlen(merged[i])))
            return path + strlen("/usr");
    return path;
}

static int by_key(const void *a, const void *b) {
    return strcmp(((const struct candidate *)a)->key, ((const struct candidate *)b)->key);
}

static void mark(const struct search *search, const char *line) {
    struct candidate wanted = {.key = compared(line)};
    struct candidate *found =
        bsearch(&wanted, search->candidates, search->count, sizeof wanted, by_key);
    if (found)
        found->owned = true;
}

static void mark_lines(const struct search *search, char *text, unsigned period, unsigned which) {
    unsigned number = 0;
    for (char *line; (line = strsep(&text, "\n")); number++)
        if (number % period == which && line[0] == '/')
            mark(search, line);
}

static int read_text(int folder, const char *name, struct buffer *text, struct error *err) {
    AUTO_CLOSE int fd =
        openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open dpkg's list %s", name);
    int rc = file_read_fd(fd, name, LIST_SIZE_MAX, text, err);
    if (!rc && memchr(buffer_string(text), '\0', text->size))
        rc = error_set(err, ERROR_DAMAGED, EBADMSG, "dpkg's list %s holds a NUL byte", name);
    return rc;
}

static bool is_list(const char *name) {
    const char *end = strrchr(name, '.');
    return end && !strcmp(end, ".list");
}

static int read_lists(const struct root *root, const struct search *search, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_CLOSE int folder = -1;
    int rc = root_list(root, LISTS, &names, err);
    if (!rc)
        rc = root_open_dir(root, LISTS, &folder, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        AUTO_BUFFER struct buffer text = {0};
        if (!is_list(names.items[i]))
            continue;
        rc = read_text(folder, names.items[i], &text, err);
        if (!rc)
            mark_lines(search, (char *)text.data, 1, 0);
    }
    return rc;
}

static int read_diversions(const struct root *root, const struct search *search,
                           struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    if (!root_exists(root, DIVERSIONS))
        return 0;
    int rc = file_read(root, DIVERSIONS, LIST_SIZE_MAX, &text, err);
    if (!rc)
        mark_lines(search, (char *)text.data, 3, 1);
    return rc;
}

static int refuse_other_packages(const struct root *root, struct error *err) {
    static const char *const databases[] = {"/var/lib/rpm", "/usr/lib/sysimage/rpm",
                                            "/var/lib/pacman"};
    for (size_t i = 0; i < ARRAY_SIZE(databases); i++)
        if (root_exists(root, databases[i]))
            return error_set(err, ERROR_REFUSED, ENOTSUP,
                             "%s%s: which files belong to packages can be read from dpkg alone, so "
                             "nothing can be told from a package's file; nothing was touched",
                             root->path, databases[i]);
    return 0;
}

static int look_up(const struct root *root, const struct search *search, struct error *err) {
    if (!root_exists(root, LISTS))
        return refuse_other_packages(root, err);
    int rc = read_lists(root, search, err);
    return rc ? rc : read_diversions(root, search, err);
}

int package_owner_find(const struct root *root, const struct strlist *paths, struct strlist *owned,
                       struct error *err) {
    if (paths->count == 0)
        return 0;
    AUTO_FREE struct candidate *candidates = calloc(paths->count, sizeof *candidates);
    if (!candidates)
        return error_oom(err, "looking for packages");
    for (size_t i = 0; i < paths->count; i++)
        candidates[i] = (struct candidate){compared(paths->items[i]), paths->items[i], false};
    qsort(candidates, paths->count, sizeof *candidates, by_key);
    struct search search = {.candidates = candidates, .count = paths->count};
    int rc = look_up(root, &search, err);
    for (size_t i = 0; !rc && i < paths->count; i++)
        if (candidates[i].owned && strlist_add(owned, candidates[i].path))
            rc = error_oom(err, "looking for packages");
    return rc;
}
