#include "toolchain/strip.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "toolchain/build_user.h"
#include "toolchain/collect.h"
#include "toolchain/confine.h"
#include "toolchain/workplace.h"

#define MODULE "module.ko"

/* The place's directory with a copy of the module in it, both the build's user's. */
static int fill_place(const struct workplace *place, const char *path, struct error *err) {
    if (mkdirat(place->parent, place->name, 0700))
        return error_io(err, errno, "can't create %s", place->path);
    AUTO_CLOSE int dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSE int in = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    AUTO_CLOSE int out =
        dir < 0 ? -1 : openat(dir, MODULE, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (in < 0 || out < 0)
        return error_io(err, errno, "can't copy %s", path);
    int rc = file_copy_fd(in, out, path, err);
    return rc ? rc : build_user_give(place->path, err);
}

static int run_strip(const struct workplace *place, const char *path, struct error *err) {
    static const char *const argv[] = {"/usr/bin/strip", "-g", MODULE, NULL};
    AUTO_ROOT struct root host = ROOT_INIT;
    int rc = root_open(&host, "/", err);
    if (rc)
        return rc;
    struct confine_spec confine = {
        .root = &host, .build_dir = place->path, .build_mount = place->inside};
    AUTO_BUFFER struct buffer output = {0};
    struct process_spec spec = {.argv = argv, .directory = place->inside, .output = &output};
    struct process_result result;
    rc = confine_run(&confine, &spec, &result, err);
    if (rc || result.exit_status == 0)
        return rc;
    const char *said = buffer_string(&output);
    return error_set(err, ERROR_DAMAGED, EBADMSG, "strip refuses %s (%s): %.*s", path,
                     process_describe(&result), (int)strcspn(said, "\n"), said);
}

static int replace(const struct workplace *place, const char *path, struct error *err) {
    AUTO_CLOSE int dir = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_FREE char *stripped = NULL;
    if (dir < 0)
        return error_io(err, errno, "can't open %s", place->path);
    if (asprintf(&stripped, "%s.stripped", path) < 0)
        return error_oom(err, "stripping a module");
    int rc = collect_file(dir, MODULE, stripped, err);
    if (!rc && rename(stripped, path)) {
        rc = error_io(err, errno, "can't replace %s", path);
        unlink(stripped);
    }
    return rc;
}

int strip_debug(const char *path, struct error *err) {
    AUTO_WORKPLACE struct workplace place = WORKPLACE_INIT;
    int rc = workplace_open(NULL, "prebake-strip", &place, err);
    if (!rc)
        rc = fill_place(&place, path, err);
    if (!rc)
        rc = run_strip(&place, path, err);
    return rc ? rc : replace(&place, path, err);
}
