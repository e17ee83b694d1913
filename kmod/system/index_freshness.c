#include "kmod/system/index_freshness.h"

#include <string.h>

#include "kmod/system/depmod.h"

int index_freshness_same(const struct root *root, const char *folder, const char *fresh,
                         const char *name, bool *same, struct error *err) {
    struct stat st;
    *same = false;
    if (index_store_stat(root, folder, name, &st) || !S_ISREG(st.st_mode))
        return 0;
    AUTO_BUFFER struct buffer one = {0}, other = {0};
    int rc = index_store_read(root, folder, name, &one, err);
    if (!rc)
        rc = index_store_read(root, fresh, name, &other, err);
    if (!rc)
        *same =
            one.size == other.size && (one.size == 0 || !memcmp(one.data, other.data, one.size));
    return rc;
}

int index_freshness_check(const struct root *root, const char *kernel,
                          const struct index_store *paths, bool *stale, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_FREE char *folder = NULL;
    int rc = depmod_run(root, kernel, paths->staging, &folder, &names, err);
    size_t present = 0, different = 0;
    for (size_t i = 0; !rc && i < names.count; i++) {
        struct stat st;
        bool fresh;
        present += index_store_stat(root, paths->kernel_dir, names.items[i], &st) == 0;
        rc = index_freshness_same(root, paths->kernel_dir, folder, names.items[i], &fresh, err);
        different += !fresh;
    }
    *stale = present > 0 && different > 0;
    return rc ? rc : depmod_discard(root, paths->staging, err);
}
