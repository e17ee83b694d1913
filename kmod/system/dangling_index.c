#include "kmod/system/dangling_index.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"

#define INDEX_SIZE_MAX (256UL << 20)

static const char *last_component(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "updates/dkms/foo.ko: kernel/a.ko kernel/b.ko", the first path relative to the kernel's folder */
static bool is_dangling(int kernel_dir, char *line, const struct module_table *modules) {
    char *colon = strchr(line, ':');
    if (!colon)
        return false;
    *colon = '\0';
    struct stat st;
    return module_table_find(modules, last_component(line)) && fstatat(kernel_dir, line, &st, 0) &&
           errno == ENOENT;
}

int dangling_index_check(const struct root *root, const char *kernel,
                         const struct module_table *modules, bool *dangling, struct error *err) {
    AUTO_FREE char *folder = NULL, *path = NULL;
    AUTO_CLOSE int kernel_dir = -1;
    AUTO_BUFFER struct buffer text = {0};
    struct stat st;
    *dangling = false;
    if (asprintf(&folder, "/lib/modules/%s", kernel) < 0 ||
        asprintf(&path, "%s/modules.dep", folder) < 0)
        return error_oom(err, "reading a module index");
    if (modules->count == 0 || root_stat(root, path, &st) || !S_ISREG(st.st_mode))
        return 0;
    int rc = root_open_dir(root, folder, &kernel_dir, err);
    if (!rc)
        rc = file_read(root, path, INDEX_SIZE_MAX, &text, err);
    char *rest = !rc && text.size ? (char *)text.data : NULL;
    for (char *line; !*dangling && (line = strsep(&rest, "\n"));)
        *dangling = is_dangling(kernel_dir, line, modules);
    return rc;
}
