#include "kmod/lifecycle/target_match.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/digest.h"

static int differs(struct error *err, const char *what, const char *baked, const char *found) {
    return error_set(err, ERROR_MISMATCH, ENOEXEC,
                     "the bake is for the %s %s, and this system has %s: run 'prebake-node "
                     "teardown' and install in full",
                     what, baked, found);
}

bool target_match_has_kernel(const struct root *root, const char *kernel) {
    static const char *const own[] = {"modules.builtin", "modules.order", "kernel"};
    for (size_t i = 0; i < ARRAY_SIZE(own); i++) {
        AUTO_FREE char *path = NULL;
        if (asprintf(&path, "/lib/modules/%s/%s", kernel, own[i]) >= 0 && root_exists(root, path))
            return true;
    }
    return false;
}

int target_match_installed(const struct root *root, const struct facts *facts, struct error *err) {
    if (target_match_has_kernel(root, facts->kernel))
        return 0;
    return error_set(err, ERROR_MISMATCH, ENOENT,
                     "the bake is for the kernel %s, which %s/lib/modules no longer has: run "
                     "'prebake-node teardown' and install in full",
                     facts->kernel, root->path);
}

int target_match_running(const struct root *root, const struct facts *facts, struct error *err) {
    struct utsname system;
    if (!root->is_host)
        return 0;
    if (uname(&system))
        return error_io(err, errno, "can't ask for the running kernel");
    if (strcmp(system.release, facts->kernel))
        return differs(err, "kernel", facts->kernel, system.release);
    return strcmp(system.machine, facts->machine)
               ? differs(err, "machine", facts->machine, system.machine)
               : 0;
}

int target_match_symbols(const struct root *root, const struct facts *facts, struct error *err) {
    AUTO_FREE char *path = NULL;
    AUTO_CLOSE int fd = -1;
    char sha256[DIGEST_HEX_SIZE];
    if (asprintf(&path, "/lib/modules/%s/build/Module.symvers", facts->kernel) < 0)
        return error_oom(err, "looking at the kernel's symbols");
    struct error reason = {0};
    int rc = root_open_file_following(root, path, &fd, &reason);
    if (rc == -ENOENT || rc == -ENOTDIR || !*facts->symvers_sha256)
        return 0;
    if (rc && err)
        *err = reason;
    if (!rc)
        rc = digest_fd(fd, path, sha256, err);
    if (rc || !strcmp(sha256, facts->symvers_sha256))
        return rc;
    return error_set(err, ERROR_MISMATCH, ENOEXEC,
                     "%s%s is not the one that the bake was made with: the kernel's symbols "
                     "changed; run 'prebake-node teardown' and install in full",
                     root->path, path);
}
