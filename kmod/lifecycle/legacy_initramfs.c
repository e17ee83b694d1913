#include "kmod/lifecycle/legacy_initramfs.h"

#include <string.h>

#include "kmod/lifecycle/bake_initramfs.h"
#include "kmod/lifecycle/legacy_modules.h"

/* The kernel's name of a module has '_' where the file's may have '-'. */
static int want_module(const struct root *root, const char *kernel, const char *name,
                       struct initramfs_wanted *wanted, struct error *err) {
    AUTO_FREE char *place = NULL;
    if (asprintf(&place, "/updates/dkms/%s.ko", name) < 0)
        return error_oom(err, "looking into initramfs images");
    int rc = bake_initramfs_want_gone(root, kernel, place, wanted, err);
    char *separator = strchr(place, '_');
    if (rc || !separator)
        return rc;
    *separator = '-';
    return bake_initramfs_want_gone(root, kernel, place, wanted, err);
}

static int want_kernel(const struct root *root, const char *kernel, struct initramfs_wanted *wanted,
                       struct error *err) {
    int rc = 0;
    for (const char *const *name = legacy_modules_names; !rc && *name; name++)
        rc = want_module(root, kernel, *name, wanted, err);
    return rc;
}

static int want_all(const struct root *root, const struct legacy_bake *bake,
                    struct initramfs_wanted *wanted, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < bake->kernels.count; i++)
        rc = want_kernel(root, bake->kernels.items[i], wanted, err);
    for (size_t i = 0; !rc && i < bake->paths.count; i++)
        if (bake->paths.items[i].class == LEGACY_MODULE && bake->paths.items[i].ours)
            rc = initramfs_want(wanted, bake->paths.items[i].path, "", err);
    return rc;
}

int legacy_initramfs_check(const struct root *root, const struct legacy_bake *bake,
                           struct error *err) {
    static const struct initramfs_files none = {0};
    AUTO_INITRAMFS_FILES struct initramfs_files files = {0};
    AUTO_INITRAMFS_WANTED struct initramfs_wanted wanted = {0};
    int rc = initramfs_files_find(root, &files, err);
    if (rc || files.count == 0)
        return rc;
    rc = want_all(root, bake, &wanted, err);
    return rc ? rc : initramfs_check(root, &wanted, &none, &files, err);
}
