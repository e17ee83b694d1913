#include "toolchain/build_user.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/tree.h"

static int give_entry(void *context, const struct tree_entry *entry, struct error *err) {
    const char *dir = context;
    if (fchownat(entry->parent, entry->name, BUILD_USER_ID, BUILD_USER_ID, AT_SYMLINK_NOFOLLOW))
        return error_io(err, errno, "can't give %s/%s to the build's user", dir, entry->path);
    return 0;
}

int build_user_give(const char *dir, struct error *err) {
    AUTO_CLOSE int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, BUILD_USER_ID, BUILD_USER_ID))
        return error_io(err, errno, "can't give %s to the build's user", dir);
    return tree_walk(fd, dir, give_entry, (void *)dir, err);
}

/* Far above what a compile needs, low enough that a runaway one does not take the machine. */
static int limit_resources(void) {
    static const struct {
        int resource;
        rlim_t limit;
    } limits[] = {
        {RLIMIT_CORE, 0},
        {RLIMIT_NPROC, 8192},
        {RLIMIT_FSIZE, (rlim_t)2 << 30},
    };
    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        struct rlimit limit = {limits[i].limit, limits[i].limit};
        if (setrlimit((__rlimit_resource_t)limits[i].resource, &limit))
            return -errno;
    }
    return 0;
}

int build_user_become(void) {
    int rc = limit_resources();
    if (rc)
        return rc;
    setsid(); /* fails only for a group's leader; then it has no terminal to lose either */
    if (setgroups(0, NULL) || setresgid(BUILD_USER_ID, BUILD_USER_ID, BUILD_USER_ID) ||
        setresuid(BUILD_USER_ID, BUILD_USER_ID, BUILD_USER_ID))
        return -errno;
    /* After the change of user, which clears the first of these. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -errno;
    return 0;
}
