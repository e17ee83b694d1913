#include "toolchain/confine_sources.h"

#include <fcntl.h>

#include "toolchain/mirror.h"

/* Opens a directory of the target; one that is not there stays −1. */
static int open_optional(const struct root *target, const char *path, int *fd) {
    int rc = root_open_dir(target, path, fd, NULL);
    return rc == -ENOENT ? 0 : rc;
}

static int open_target(const struct root *root, struct confine_sources *sources) {
    /* By its path: a descriptor from before belongs to the old namespace's mounts, which can't be
     * copied into this one. */
    struct root target = {.fd = open(root->path[0] ? root->path : "/", O_PATH | O_CLOEXEC),
                          .path = root->path};
    if (target.fd < 0)
        return -errno;
    int rc = open_optional(&target, "/lib/modules", &sources->modules);
    if (!rc)
        rc = open_optional(&target, "/usr/src", &sources->src);
    if (!rc)
        rc = open_optional(&target, "/usr/lib", &sources->lib);
    if (!rc)
        rc = open_optional(&target, "/etc/dkms", &sources->dkms);
    close(target.fd);
    return rc;
}

int confine_sources_open(const struct confine_spec *confine, struct confine_sources *sources) {
    *sources = (struct confine_sources){-1, -1, -1, -1, -1, -1, -1};
    sources->host = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (sources->host < 0)
        return -errno;
    if (confine->build_dir) {
        sources->build = mirror_clone(AT_FDCWD, confine->build_dir);
        if (sources->build < 0)
            return sources->build;
    }
    if (confine->source_dir) {
        sources->source = open(confine->source_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (sources->source < 0)
            return -errno;
    }
    return open_target(confine->root, sources);
}
