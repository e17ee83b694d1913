#include "builder/bundle_export.h"

#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tree.h"
#include "builder/bundle_record.h"

static int check_source(const struct plan *plan, const char *output, struct error *err) {
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s/" BUNDLE_SOURCE, output) < 0) {
        path = NULL;
        return error_oom(err, "looking at a bundle");
    }
    AUTO_SOURCE struct source source = {0};
    int rc = source_open(path, &source, err);
    if (rc || !strcmp(source.digest, plan->source.digest))
        return rc;
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is another source", path);
}

/* Looked at before the compile. */
static int check_parent(const char *output, struct error *err) {
    AUTO_FREE char *copy = strdup(output);
    if (!copy)
        return error_oom(err, "looking at a bundle");
    const char *parent = dirname(copy);
    return access(parent, W_OK) ? error_io(err, errno, "can't make %s in %s", output, parent) : 0;
}

int bundle_export_look(const struct plan *plan, const char *output, struct error *err) {
    struct stat st;
    struct error reason = {0};
    if (lstat(output, &st))
        return errno == ENOENT ? check_parent(output, err)
                               : error_io(err, errno, "can't look at %s", output);
    int rc = bundle_record_check(plan, output, &reason);
    if (!rc)
        rc = check_source(plan, output, &reason);
    if (!rc)
        return 1;
    return error_set(err, ERROR_REFUSED, EEXIST,
                     "%s is there and is not the bundle to build (%s): remove it, or name another "
                     "folder",
                     output, reason.text);
}

static int copy_into(int parent, const char *from, const char *name, struct error *err) {
    AUTO_CLOSE int fd = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? error_io(err, errno, "can't open %s", from) : tree_copy(fd, parent, name, err);
}

/* The folder `name` in `parent`, whole and on disk. */
static int assemble(const struct plan *plan, const struct bundle *bundle, int parent,
                    const char *name, struct error *err) {
    int rc = copy_into(parent, bundle->path, name, err);
    if (rc)
        return rc;
    AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open the bundle's copy");
    rc = copy_into(fd, plan->source.path, BUNDLE_SOURCE, err);
    if (!rc && (fchmod(fd, 0755) || syncfs(fd)))
        rc = error_io(err, errno, "can't finish the bundle's copy");
    return rc;
}

int bundle_export(const struct plan *plan, const struct bundle *bundle, const char *output,
                  struct error *err) {
    static const char name[] = "bundle";
    AUTO_TEMPORARY struct temporary temporary = {0};
    AUTO_FREE char *copy = strdup(output);
    if (!copy)
        return error_oom(err, "copying a bundle");
    int rc = temporary_make(dirname(copy), &temporary, err);
    if (rc)
        return rc;
    AUTO_CLOSE int fd = open(temporary.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open %s", temporary.path);
    rc = assemble(plan, bundle, fd, name, err);
    if (!rc && renameat2(fd, name, AT_FDCWD, output, RENAME_NOREPLACE))
        rc = error_io(err, errno, "can't move the bundle to %s", output);
    return rc;
}
