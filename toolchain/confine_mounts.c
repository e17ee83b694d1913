#include "toolchain/confine_mounts.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "toolchain/confine_host.h"
#include "toolchain/confine_sources.h"
#include "toolchain/mirror.h"

static bool take_all(const char *name) {
    (void)name;
    return true;
}

static bool take_kbuild(const char *name) {
    return !strncmp(name, CONFINE_HOST_KBUILD, strlen(CONFINE_HOST_KBUILD));
}

/* Makes the directory `path` and its parents in the new tree; a link in its place goes. */
static int make_point(const char *path) {
    char prefix[PATH_MAX];
    if ((size_t)snprintf(prefix, sizeof prefix, "%s", path) >= sizeof prefix)
        return -ENAMETOOLONG;
    for (char *slash = strchr(prefix + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(prefix, 0755) && errno != EEXIST)
            return -errno;
        *slash = '/';
    }
    struct stat st;
    if (!lstat(path, &st) && S_ISLNK(st.st_mode) && unlink(path))
        return -errno;
    return mkdir(path, 0755) && errno != EEXIST ? -errno : 0;
}

static int show_mirrored(int from, const char *path, mirror_filter take) {
    int rc = make_point(path);
    if (rc || from < 0)
        return rc;
    AUTO_CLOSE int to = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return to < 0 ? -errno : mirror_dir(from, to, take);
}

static int show_whole(int from, const char *path) {
    int rc = make_point(path);
    if (rc || from < 0)
        return rc;
    AUTO_CLOSE int tree = mirror_clone(from, "");
    return tree < 0 ? tree : mirror_attach(tree, AT_FDCWD, path);
}

/* /usr/src entry by entry, so that source_mount can be made in it. */
static int show_target(const struct confine_sources *sources) {
    int rc = show_whole(sources->modules, "/lib/modules");
    if (!rc)
        rc = show_mirrored(sources->src, "/usr/src", take_all);
    if (!rc)
        rc = show_mirrored(sources->lib, "/usr/lib", take_kbuild);
    if (!rc && sources->dkms >= 0)
        rc = show_whole(sources->dkms, "/etc/dkms");
    return rc;
}

/* A tmpfs of its own: devices need a mount that is not nodev. */
static int show_devices(int host) {
    static const char *const nodes[] = {"null", "zero", "full", "random", "urandom"};
    static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
                                           {"/proc/self/fd/0", "/dev/stdin"},
                                           {"/proc/self/fd/1", "/dev/stdout"},
                                           {"/proc/self/fd/2", "/dev/stderr"}};
    if (mount("tmpfs", "/dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755"))
        return -errno;
    AUTO_CLOSE int from = openat(host, "dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSE int to = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (from < 0 || to < 0)
        return -errno;
    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        int rc = mirror_entry(from, to, nodes[i]);
        if (rc)
            return rc;
    }
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        if (symlink(links[i][0], links[i][1]))
            return -errno;
    return 0;
}

static int show_temporary(const char *path) {
    return mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") ? -errno : 0;
}

static int show_build(int tree, const char *path) {
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    if (mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes))
        return -errno;
    return mirror_attach(tree, AT_FDCWD, path);
}

/* Everything that is there by now becomes read-only; what comes after stays as it is. */
static int seal(void) {
    struct mount_attr attributes = {.attr_set =
                                        MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    return mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof attributes) ? -errno : 0;
}

static int make_points(const struct confine_spec *confine) {
    const char *const points[] = {"/proc", "/dev", "/tmp", "/var/tmp", confine->build_mount};
    for (size_t i = 0; i < ARRAY_SIZE(points); i++) {
        int rc = points[i] ? make_point(points[i]) : 0;
        if (rc)
            return rc;
    }
    return 0;
}

/* Inside the new tree: what is read-only, the seal, what is not. */
static int fill_tree(const struct confine_spec *confine, const struct confine_sources *sources,
                     const char **step) {
    *step = "showing the target's kernel headers";
    int rc = show_target(sources);
    if (!rc && sources->source >= 0) {
        *step = "showing the source";
        rc = show_whole(sources->source, confine->source_mount);
    }
    *step = rc ? *step : "making mount points";
    if (!rc)
        rc = make_points(confine);
    *step = rc ? *step : "making its file systems read-only";
    if (!rc)
        rc = seal();
    *step = rc ? *step : "showing the build directory";
    if (!rc && sources->build >= 0)
        rc = show_build(sources->build, confine->build_mount);
    *step = rc ? *step : "making /dev and /tmp";
    if (!rc)
        rc = show_devices(sources->host);
    if (!rc)
        rc = show_temporary("/tmp");
    return rc ? rc : show_temporary("/var/tmp");
}

/*
 * The new root is mounted over /proc, the one directory that every machine has and that is not
 * shown from it. chroot() and not pivot_root(), which does not work on an initramfs; the build's
 * user has no way out of either.
 */
static int enter_new_root(const struct confine_sources *sources, const char **step) {
    *step = "making a new root";
    if (mount("tmpfs", "/proc", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"))
        return -errno;
    AUTO_CLOSE int new_root = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (new_root < 0)
        return -errno;
    *step = "showing this machine's files";
    int rc = confine_host_show(sources->host, new_root);
    if (rc)
        return rc;
    *step = "entering the new root";
    return fchdir(new_root) || chroot(".") ? -errno : 0;
}

int confine_mounts_enter(const struct confine_spec *confine, const char **step) {
    *step = "making namespaces";
    if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS))
        return -errno;
    *step = "making mounts private";
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return -errno;
    /* The machine's own name must not get into what is built. */
    if (sethostname("localhost", strlen("localhost")))
        return -errno;
    *step = "opening what is shown";
    struct confine_sources sources;
    int rc = confine_sources_open(confine, &sources);
    if (!rc)
        rc = enter_new_root(&sources, step);
    /* The descriptors close with the program's start or end: all are close-on-exec. */
    return rc ? rc : fill_tree(confine, &sources, step);
}

int confine_mounts_proc(const char **step) {
    *step = "mounting /proc";
    return mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) ? -errno : 0;
}
