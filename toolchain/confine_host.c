#include "toolchain/confine_host.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "toolchain/mirror.h"

/* Of this machine's folders: what does not come from the target. */
static bool take_of_usr(const char *name) {
    return strcmp(name, "lib") && strcmp(name, "src");
}

static bool take_of_lib(const char *name) {
    return strcmp(name, "modules") &&
           strncmp(name, CONFINE_HOST_KBUILD, strlen(CONFINE_HOST_KBUILD));
}

static bool take_of_etc(const char *name) {
    return strcmp(name, "dkms");
}

/* A directory of this machine that is taken apart, because the target's things go into it. */
static int mirror_host_dir(int host, int new_root, const char *path, mirror_filter take) {
    struct stat st;
    if (fstatat(host, path, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISDIR(st.st_mode))
        return mirror_entry(host, new_root, path);
    if (mkdirat(new_root, path, 0755))
        return -errno;
    AUTO_CLOSE int from = openat(host, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSE int to = openat(new_root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return from < 0 || to < 0 ? -errno : mirror_dir(from, to, take);
}

int confine_host_show(int host, int new_root) {
    static const char *const whole[] = {"bin", "sbin", "lib32", "lib64", "libx32", "opt"};
    static const struct {
        const char *path;
        mirror_filter take;
    } parts[] = {
        {"usr", take_of_usr},
        {"usr/lib", take_of_lib},
        {"lib", take_of_lib},
        {"etc", take_of_etc},
    };
    for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
        int rc = mirror_entry(host, new_root, whole[i]);
        if (rc)
            return rc;
    }
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        int rc = mirror_host_dir(host, new_root, parts[i].path, parts[i].take);
        if (rc)
            return rc;
    }
    return 0;
}
