#include "kmod/system/kernel_symvers.h"

int kernel_symvers_digest(const struct root *root, const char *kernel,
                          char sha256[static DIGEST_HEX_SIZE], struct error *err) {
    AUTO_FREE char *path = NULL;
    AUTO_CLOSE int fd = -1;
    if (asprintf(&path, "/lib/modules/%s/build/Module.symvers", kernel) < 0)
        return error_oom(err, "looking at the kernel's headers");
    struct error reason = {0};
    int rc = root_open_file_following(root, path, &fd, &reason);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return -ENOENT;
    if (rc) {
        if (err)
            *err = reason;
        return rc;
    }
    return digest_fd(fd, path, sha256, err);
}
