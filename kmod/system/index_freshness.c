#include "kmod/system/index_freshness.h"

#include <string.h>

#include "kmod/system/depmod.h"

/* Whether the file in place is what depmod wrote; anything else that has its name is not. */
static int is_fresh(const struct root *root, const struct index_store *paths, const char *folder,
                    const char *name, bool *fresh, struct error *err) {
    struct stat st;
    *fresh = false;
    if (index_store_stat(root, paths->kernel_dir, name, &st) || !S_ISREG(st.st_mode))
        return 0;
    AUTO_BUFFER struct buffer staged = {0}, placed = {0};
    int rc = index_store_read(root, folder, name, &staged, err);
    if (!rc)
        rc = index_store_read(root, paths->kernel_dir, name, &placed, err);
    if (!rc)
        *fresh = staged.size == placed.size &&
                 (staged.size == 0 || !memcmp(staged.data, placed.data, staged.size));
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
        rc = is_fresh(root, paths, folder, names.items[i], &fresh, err);
        different += !fresh;
    }
    *stale = present > 0 && different > 0;
    return rc ? rc : depmod_discard(root, paths->staging, err);
}
