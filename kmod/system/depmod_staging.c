#include "kmod/system/depmod_staging.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "kmod/system/depmod.h"

static const char preparing[] = "preparing depmod";

struct staging {
    const struct root *root;
    struct depmod_view view;
    char *kernel_dir;      /* canonical */
    char *kernel_dir_host; /* the same on this machine */
};

static void release(struct staging *staging) {
    free(staging->kernel_dir);
    free(staging->kernel_dir_host);
}

static int check_places(const struct staging *staging, const struct strlist *paths,
                        struct error *err) {
    for (size_t i = 0; paths && i < paths->count; i++)
        if (!path_is_below(paths->items[i], staging->kernel_dir))
            return error_set(err, ERROR_REFUSED, EXDEV,
                             "%s%s is not in %s: an index with or without it can't be made",
                             staging->root->path, paths->items[i], staging->kernel_dir);
    return 0;
}

static bool is_left_out(const struct staging *staging, const char *path) {
    return staging->view.without && strlist_contains(staging->view.without, path);
}

static bool any_below(const struct strlist *paths, const char *folder) {
    for (size_t i = 0; paths && i < paths->count; i++)
        if (path_is_below(paths->items[i], folder))
            return true;
    return false;
}

/* Whether the folder is another than the real one, however deep. */
static bool differs(const struct staging *staging, const char *folder) {
    return any_below(staging->view.without, folder) || any_below(staging->view.with, folder);
}

/* What depmod does not read of the kernel's folder. */
static bool is_no_input(const char *name) {
    return depmod_is_index_file(name) || !strcmp(name, "build") || !strcmp(name, "source");
}

static int stage_folder(const struct staging *staging, const char *folder, int into,
                        struct error *err);

/* A folder that loses or gains a module is one in the staging tree too; anything else is linked. */
static int stage_entry(const struct staging *staging, const char *path, const char *name, int into,
                       struct error *err) {
    if (is_left_out(staging, path))
        return 0;
    if (differs(staging, path)) {
        AUTO_CLOSE int fd = -1;
        if (!mkdirat(into, name, 0700))
            fd = openat(into, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd >= 0 ? stage_folder(staging, path, fd, err)
                       : error_io(err, errno, "can't prepare depmod's folder for %s", path);
    }
    AUTO_FREE char *target = NULL;
    const char *below = path + strlen(staging->kernel_dir);
    if (asprintf(&target, "%s%s", staging->kernel_dir_host, below) < 0)
        return error_oom(err, preparing);
    return symlinkat(target, into, name)
               ? error_io(err, errno, "can't prepare depmod's folder for %s", path)
               : 0;
}

static int stage_folder(const struct staging *staging, const char *folder, int into,
                        struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    bool is_top = !strcmp(folder, staging->kernel_dir);
    int rc = root_list(staging->root, folder, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        if (is_top && is_no_input(names.items[i]))
            continue;
        AUTO_FREE char *path = NULL;
        if (asprintf(&path, "%s/%s", folder, names.items[i]) < 0)
            return error_oom(err, preparing);
        rc = stage_entry(staging, path, names.items[i], into, err);
    }
    return rc;
}

/* Links `path`, which is kept elsewhere, at its place below `top`, the staged kernel's folder. */
static int show(const struct staging *staging, const char *top, const char *path,
                struct error *err) {
    AUTO_FREE char *place = NULL, *folder = NULL, *kept = NULL, *target = NULL;
    if (asprintf(&place, "%s%s", top, path + strlen(staging->kernel_dir)) < 0 ||
        !(folder = strndup(place, (size_t)(strrchr(place, '/') - place))) ||
        asprintf(&kept, "%s%s", staging->view.kept, path) < 0 ||
        !(target = root_host_path(staging->root, kept)))
        return error_oom(err, preparing);
    int rc = root_make_dirs(staging->root, folder, 0700, NULL, err);
    return rc ? rc : file_publish_link(staging->root, place, target, err);
}

static int show_all(const struct staging *staging, const char *top, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && staging->view.with && i < staging->view.with->count; i++)
        rc = show(staging, top, staging->view.with->items[i], err);
    return rc;
}

/* Everything but the links: the kernel's folder, depmod's empty configuration, usr/lib. */
static int make_folders(const struct root *root, const char *staging, const char *folder,
                        struct error *err) {
    AUTO_FREE char *configuration = NULL, *usr = NULL, *usr_lib = NULL;
    if (asprintf(&configuration, "%s/depmod.d", staging) < 0 ||
        asprintf(&usr, "%s/usr", staging) < 0 || asprintf(&usr_lib, "%s/lib", usr) < 0)
        return error_oom(err, preparing);
    int rc = depmod_discard(root, staging, err);
    if (!rc)
        rc = root_make_dirs(root, folder, 0700, NULL, err);
    if (!rc)
        rc = root_make_dirs(root, configuration, 0700, NULL, err);
    if (!rc)
        rc = root_make_dirs(root, usr, 0700, NULL, err);
    return rc ? rc : file_publish_link(root, usr_lib, "../lib", err);
}

static int find_kernel(struct staging *staging, const char *kernel, struct error *err) {
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "/lib/modules/%s", kernel) < 0)
        return error_oom(err, preparing);
    int rc = root_canonical(staging->root, path, &staging->kernel_dir, err);
    if (!rc && !(staging->kernel_dir_host = root_host_path(staging->root, staging->kernel_dir)))
        rc = error_oom(err, preparing);
    return rc;
}

int depmod_staging_make(const struct root *root, const char *kernel, const char *staging,
                        const struct depmod_view *view, struct error *err) {
    AUTO(release) struct staging made = {.root = root};
    if (view)
        made.view = *view;
    AUTO_FREE char *folder = NULL;
    if (asprintf(&folder, "%s/lib/modules/%s", staging, kernel) < 0)
        return error_oom(err, preparing);
    int rc = find_kernel(&made, kernel, err);
    if (!rc)
        rc = check_places(&made, made.view.without, err);
    if (!rc)
        rc = check_places(&made, made.view.with, err);
    if (!rc)
        rc = make_folders(root, staging, folder, err);
    AUTO_CLOSE int fd = -1;
    if (!rc)
        rc = root_open_dir(root, folder, &fd, err);
    if (!rc)
        rc = stage_folder(&made, made.kernel_dir, fd, err);
    return rc ? rc : show_all(&made, folder, err);
}
