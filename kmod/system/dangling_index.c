#include "kmod/system/dangling_index.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"

#define INDEX_SIZE_MAX (256UL << 20)

static const char reading[] = "reading a module index";

static const char *last_component(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "updates/dkms/foo.ko: kernel/a.ko kernel/b.ko": the file, relative to the kernel's folder, and
 * what it depends on. Cuts the line after the file. */
static bool is_gone(int kernel_dir, char *line, const struct module_table *modules) {
    char *colon = strchr(line, ':');
    if (!colon)
        return false;
    *colon = '\0';
    struct stat st;
    return module_table_find(modules, last_component(line)) && fstatat(kernel_dir, line, &st, 0) &&
           errno == ENOENT;
}

static int list_gone(int kernel_dir, const char *folder, struct buffer *text,
                     const struct module_table *modules, struct strlist *gone) {
    char *rest = text->size ? (char *)text->data : NULL;
    for (char *line; (line = strsep(&rest, "\n"));)
        if (is_gone(kernel_dir, line, modules) && strlist_addf(gone, "%s/%s", folder, line))
            return -ENOMEM;
    return 0;
}

int dangling_index_list(const struct root *root, const char *kernel,
                        const struct module_table *modules, struct strlist *gone,
                        struct error *err) {
    AUTO_FREE char *folder = NULL, *path = NULL;
    AUTO_CLOSE int kernel_dir = -1;
    AUTO_BUFFER struct buffer text = {0};
    struct stat st;
    if (asprintf(&folder, "/lib/modules/%s", kernel) < 0 ||
        asprintf(&path, "%s/modules.dep", folder) < 0)
        return error_oom(err, reading);
    if (modules->count == 0 || root_stat(root, path, &st) || !S_ISREG(st.st_mode))
        return 0;
    int rc = root_open_dir(root, folder, &kernel_dir, err);
    if (!rc)
        rc = file_read(root, path, INDEX_SIZE_MAX, &text, err);
    if (!rc && list_gone(kernel_dir, folder, &text, modules, gone))
        rc = error_oom(err, reading);
    return rc;
}
