#include "kmod/system/index_publish.h"

#include <string.h>

#include "base/file.h"

static int publish_file(const struct root *root, const struct index_store *paths,
                        const char *folder, const char *name, struct error *err) {
    AUTO_BUFFER struct buffer content = {0};
    AUTO_FREE char *path = index_store_path(paths->kernel_dir, name);
    if (!path)
        return error_oom(err, "publishing an index file");
    int rc = index_store_read(root, folder, name, &content, err);
    struct file_meta meta = FILE_META_DEFAULT;
    return rc ? rc : file_publish(root, path, content.data, content.size, &meta, err);
}

int index_publish(const struct root *root, const struct index_store *paths, const char *folder,
                  const struct strlist *names, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < names->count; i++)
        if (strcmp(names->items[i], INDEX_DEPENDENCIES))
            rc = publish_file(root, paths, folder, names->items[i], err);
    if (!rc && strlist_contains(names, INDEX_DEPENDENCIES))
        rc = publish_file(root, paths, folder, INDEX_DEPENDENCIES, err);
    return rc;
}
