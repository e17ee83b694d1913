#include "kmod/system/kept_file.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "kmod/system/replica.h"

int kept_file_keep(int place, int kept, const char *name, struct error *err) {
    if (linkat(place, name, kept, name, 0) == 0)
        return 0;
    /* Another file system, or one without hard links, or no room for one more link. */
    if (errno == EXDEV || errno == EPERM || errno == ENOTSUP || errno == EMLINK)
        return replica_make(place, name, kept, name, err);
    return error_io(err, errno, "can't keep %s", name);
}

/* Kept on another file system: a copy takes the place. Its temporary is named as any publication's,
 * so that what sweeps a folder knows it. */
static int copy_back(int kept, int place, const char *name, struct error *err) {
    char temporary[NAME_MAX + 1];
    snprintf(temporary, sizeof temporary, ".%.200s.prebake-00000000", name);
    if (unlinkat(place, temporary, 0) && errno != ENOENT)
        return error_io(err, errno, "can't remove %s", temporary);
    int rc = replica_make(kept, name, place, temporary, err);
    if (!rc && renameat(place, temporary, place, name))
        rc = error_io(err, errno, "can't put back %s", name);
    return rc;
}

int kept_file_put_back(int kept, int place, const char *name, struct error *err) {
    struct stat st;
    /* Asked first: between file systems rename(2) says EXDEV of what is not there as well. */
    if (fstatat(kept, name, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : error_io(err, errno, "can't look at the kept %s", name);
    int rc = 0;
    if (renameat(kept, name, place, name)) {
        rc = errno == EXDEV ? copy_back(kept, place, name, err)
                            : error_io(err, errno, "can't put back %s", name);
    }
    /* Still there after a copy, and when both names were one inode: rename(2) does nothing then. */
    if (!rc && unlinkat(kept, name, 0) && errno != ENOENT)
        rc = error_io(err, errno, "can't remove the kept %s", name);
    return rc;
}
