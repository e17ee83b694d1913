#include "kmod/system/original_home.h"

#include <string.h>

#include "base/file.h"
#include "kmod/system/module_name.h"

#define ORDER_SIZE_MAX (16UL << 20)
#define ORIGIN_SIZE_MAX 4096

static const char locating[] = "finding an original module's place";

static const char *last_component(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "a/b/foo.ko": components that lead down, the last one a module's file. */
static bool is_below(const char *path) {
    for (const char *at = path; *at; at += *at == '/') {
        size_t length = strcspn(at, "/");
        if (length == 0 || (length == 1 && at[0] == '.') || !strncmp(at, "../", 3) ||
            !strcmp(at, ".."))
            return false;
        at += length;
    }
    return module_name_stem(last_component(path)) > 0;
}

/* Lines of modules.order end up in `own`; the buffer's text is cut into them. */
static int add_lines(struct buffer *text, struct module_table *own) {
    char *rest = text->size ? (char *)text->data : NULL;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (is_below(line) && module_table_add(own, line))
            return -ENOMEM;
    return 0;
}

static int read_order(struct original_home *home, struct error *err) {
    AUTO_FREE char *path = NULL;
    AUTO_BUFFER struct buffer text = {0};
    struct stat st;
    if (asprintf(&path, "/lib/modules/%s/modules.order", home->kernel) < 0)
        return error_oom(err, locating);
    if (root_stat(home->root, path, &st) || !S_ISREG(st.st_mode))
        return 0;
    int rc = file_read(home->root, path, ORDER_SIZE_MAX, &text, err);
    return !rc && add_lines(&text, &home->own) ? error_oom(err, locating) : rc;
}

int original_home_open(const struct root *root, const char *kernel, const char *store,
                       const struct dkms_installed *installed, struct original_home *home,
                       struct error *err) {
    *home = (struct original_home){.root = root, .kernel = kernel, .store = store};
    int rc = read_order(home, err);
    for (size_t i = 0; !rc && i < installed->count; i++)
        if (module_table_add(&home->places, installed->files[i].path))
            rc = error_oom(err, locating);
    module_table_sort(&home->own);
    module_table_sort(&home->places);
    if (rc)
        original_home_release(home);
    return rc;
}

/* "/lib/modules/K/a/foo.ko" or the same below /usr → "a/foo.ko"; NULL for any other path. */
static const char *below_kernel(const char *path, const char *kernel) {
    static const char *const trees[] = {"/lib/modules/", "/usr/lib/modules/"};
    for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
        size_t tree = strlen(trees[i]), length = strlen(kernel);
        if (!strncmp(path, trees[i], tree) && !strncmp(path + tree, kernel, length) &&
            path[tree + length] == '/')
            return path + tree + length + 1;
    }
    return NULL;
}

static int read_origin(const struct original_home *home, const char *stored, char **path,
                       struct error *err) {
    AUTO_FREE char *origin = NULL;
    AUTO_BUFFER struct buffer text = {0};
    struct stat st;
    if (asprintf(&origin, "%s/%s.origin", home->store, stored) < 0)
        return error_oom(err, locating);
    if (root_stat(home->root, origin, &st) || !S_ISREG(st.st_mode))
        return 0;
    int rc = file_read(home->root, origin, ORIGIN_SIZE_MAX, &text, err);
    if (rc)
        return rc;
    char *rest = text.size ? (char *)text.data : NULL, *line = strsep(&rest, "\n");
    const char *below = line ? below_kernel(line, home->kernel) : NULL;
    if (!below || !is_below(below))
        return 0;
    return asprintf(path, "/lib/modules/%s/%s", home->kernel, below) < 0 ? error_oom(err, locating)
                                                                         : 0;
}

/* The folder of the table's entry for the same module, and the stored file's own name. */
static int beside(const char *prefix, const struct module_table_entry *entry, const char *stored,
                  char **path, struct error *err) {
    int folder = (int)(entry->file - entry->path);
    return asprintf(path, "%s%.*s%s", prefix, folder, entry->path, stored) < 0
               ? error_oom(err, locating)
               : 0;
}

int original_home_find(const struct original_home *home, const char *stored, char **path,
                       struct error *err) {
    *path = NULL;
    int rc = read_origin(home, stored, path, err);
    if (rc || *path || strchr(stored, '/'))
        return rc;
    AUTO_FREE char *kernel_dir = NULL;
    if (asprintf(&kernel_dir, "/lib/modules/%s/", home->kernel) < 0)
        return error_oom(err, locating);
    const struct module_table_entry *own = module_table_find(&home->own, stored);
    if (own)
        return beside(kernel_dir, own, stored, path, err);
    const struct module_table_entry *place = module_table_find(&home->places, stored);
    return place ? beside("", place, stored, path, err) : 0;
}

void original_home_release(struct original_home *home) {
    module_table_release(&home->own);
    module_table_release(&home->places);
}
