#include "kmod/system/ldconfig.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>

#include "base/file.h"
#include "base/process.h"
#include "kmod/system/kept_file.h"

/*
 * What ldconfig read, for its next run to read less; written even when it is told not to believe
 * it. In the folder of a run:
 *
 *     <store>/ldconfig/record      "kept", "absent" or "no folder": how it was before
 *     <store>/ldconfig/aux-cache   the one from before, until it is put back
 *     <store>/ldconfig/ld.so.cache what ldconfig writes
 *     <store>/ldconfig/empty       what stands for a hidden file
 */
#define RECORD_FOLDER "/var/cache/ldconfig"
#define RECORD_NAME "aux-cache"
#define RECORD RECORD_FOLDER "/" RECORD_NAME

#define OUTPUT_MAX 512 /* of its words, for an error's sentence */

/* One run's paths inside the root. */
struct run {
    char *folder;
    char *preparing; /* its name until what was there before is kept */
    char *note;
    char *cache;
    char *empty;
};

static void release(struct run *run) {
    free(run->folder);
    free(run->preparing);
    free(run->note);
    free(run->cache);
    free(run->empty);
}

static char *join(const char *folder, const char *name) {
    char *path = NULL;
    return folder && asprintf(&path, "%s/%s", folder, name) >= 0 ? path : NULL;
}

static int locate(const char *store, struct run *run, struct error *err) {
    run->folder = join(store, "ldconfig");
    run->preparing = join(store, "ldconfig.new");
    run->note = join(run->folder, "record");
    run->cache = join(run->folder, "ld.so.cache");
    run->empty = join(run->folder, "empty");
    return run->folder && run->preparing && run->note && run->cache && run->empty
               ? 0
               : error_oom(err, "running ldconfig");
}

/* Opens the record's folder, or one of ours: proved to be root's by root_open_parent(). */
static int open_folder(const struct root *root, const char *folder, int *fd, struct error *err) {
    AUTO_FREE char *inside = join(folder, "x");
    const char *name;
    return inside ? root_open_parent(root, inside, fd, &name, err)
                  : error_oom(err, "running ldconfig");
}

static int keep_record(const struct root *root, const struct run *run, struct error *err) {
    AUTO_CLOSE int place = -1, kept = -1;
    int rc = open_folder(root, RECORD_FOLDER, &place, err);
    if (!rc)
        rc = open_folder(root, run->preparing, &kept, err);
    return rc ? rc : kept_file_keep(place, kept, RECORD_NAME, err);
}

static int publish(const struct root *root, const char *folder, const char *name, const char *text,
                   struct error *err) {
    AUTO_FREE char *path = join(folder, name);
    struct file_meta meta = FILE_META_DURABLE;
    return path ? file_publish(root, path, text, strlen(text), &meta, err)
                : error_oom(err, "running ldconfig");
}

static int rename_folder(const struct root *root, const struct run *run, struct error *err) {
    AUTO_CLOSE int store = -1;
    const char *name;
    int rc = root_open_parent(root, run->preparing, &store, &name, err);
    if (!rc && renameat(store, name, store, strrchr(run->folder, '/') + 1))
        rc = error_io(err, errno, "can't create %s%s", root->path, run->folder);
    return rc;
}

static int prepare(const struct root *root, const struct run *run, struct error *err) {
    const char *note = !root_exists(root, RECORD_FOLDER) ? "no folder"
                       : root_exists(root, RECORD)       ? "kept"
                                                         : "absent";
    int rc = root_make_dirs(root, run->preparing, 0700, NULL, err);
    if (!rc && !strcmp(note, "kept"))
        rc = keep_record(root, run, err);
    if (!rc)
        rc = publish(root, run->preparing, "empty", "", err);
    if (!rc)
        rc = publish(root, run->preparing, "record", note, err);
    return rc ? rc : rename_folder(root, run, err);
}

static int put_record_back(const struct root *root, const struct run *run, struct error *err) {
    AUTO_CLOSE int place = -1, kept = -1;
    int rc = open_folder(root, RECORD_FOLDER, &place, err);
    if (!rc)
        rc = open_folder(root, run->folder, &kept, err);
    return rc ? rc : kept_file_put_back(kept, place, RECORD_NAME, err);
}

/* How the record was before the run. */
static int take_back_record(const struct root *root, const struct run *run, struct error *err) {
    AUTO_BUFFER struct buffer note = {0};
    int rc = file_read(root, run->note, 64, &note, err);
    if (rc)
        return rc;
    /* Of a run that was killed. */
    rc = file_remove(root, RECORD "~", err);
    if (!rc && !strcmp(buffer_string(&note), "kept"))
        return put_record_back(root, run, err);
    if (!rc)
        rc = file_remove(root, RECORD, err);
    if (rc || !strcmp(buffer_string(&note), "absent"))
        return rc;
    rc = file_remove_dir(root, RECORD_FOLDER, err);
    return rc == -ENOENT || rc == -ENOTEMPTY ? 0 : rc;
}

static int settle(const struct root *root, const struct run *run, struct error *err) {
    int rc = root_exists(root, run->note) ? take_back_record(root, run, err) : 0;
    if (!rc)
        rc = file_remove_tree(root, run->folder, err);
    return rc ? rc : file_remove_tree(root, run->preparing, err);
}

int ldconfig_settle(const struct root *root, const char *store, struct error *err) {
    AUTO(release) struct run run = {0};
    int rc = locate(store, &run, err);
    return rc ? rc : settle(root, &run, err);
}

/* On this machine, for the child. */
struct hiding {
    char *empty;
    struct strlist paths;
};

static void release_hiding(struct hiding *hiding) {
    free(hiding->empty);
    strlist_release(&hiding->paths);
}

/* In the child. A file of no size is passed over by ldconfig. */
static int hide(void *context) {
    const struct hiding *hiding = context;
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return -EPERM;
    for (size_t i = 0; i < hiding->paths.count; i++)
        if (mount(hiding->empty, hiding->paths.items[i], NULL, MS_BIND, NULL))
            return -EPERM;
    return 0;
}

static int find_hidden(const struct root *root, const struct run *run, const struct strlist *hidden,
                       struct hiding *hiding, struct error *err) {
    hiding->empty = root_host_path(root, run->empty);
    int rc = hiding->empty ? 0 : -ENOMEM;
    for (size_t i = 0; !rc && i < hidden->count; i++) {
        struct stat st;
        AUTO_FREE char *path = root_host_path(root, hidden->items[i]);
        if (!path)
            rc = -ENOMEM;
        else if (root_stat(root, hidden->items[i], &st) == 0 && S_ISREG(st.st_mode))
            rc = strlist_add(&hiding->paths, path);
    }
    return rc ? error_oom(err, "running ldconfig") : 0;
}

static int execute(const struct root *root, const struct run *run, struct hiding *hiding,
                   struct error *err) {
    AUTO_FREE char *ldconfig = NULL;
    int rc = process_find("ldconfig", &ldconfig, err);
    if (rc)
        return rc;
    const char *folder = *root->path ? root->path : "/";
    const char *argv[] = {ldconfig, "-X", "-i", "-r", folder, "-C", run->cache, NULL};
    AUTO_BUFFER struct buffer output = {0};
    struct process_spec spec = {.argv = argv, .output = &output, .output_max = OUTPUT_MAX};
    if (hiding) {
        spec.prepare = hide;
        spec.prepare_context = hiding;
    }
    struct process_result result;
    rc = process_run(&spec, &result, err);
    if (rc == -EPERM)
        return error_set(err, ERROR_REFUSED, EPERM,
                         "no mount namespace is to be had here to run ldconfig in");
    if (rc || result.exit_status == 0)
        return rc;
    bool full = strstr(buffer_string(&output), "No space left on device") != NULL;
    return error_set(err, full ? ERROR_NO_SPACE : ERROR_DAMAGED, full ? ENOSPC : EIO,
                     "ldconfig for %s ended with %s: %s", folder, process_describe(&result),
                     buffer_string(&output));
}

static int run_in(const struct root *root, const struct run *run, const struct strlist *hidden,
                  struct buffer *cache, struct error *err) {
    AUTO(release_hiding) struct hiding hiding = {0};
    int rc = prepare(root, run, err);
    if (!rc && hidden)
        rc = find_hidden(root, run, hidden, &hiding, err);
    if (!rc)
        rc = execute(root, run, hidden ? &hiding : NULL, err);
    return rc ? rc : file_read(root, run->cache, LDCONFIG_SIZE_MAX, cache, err);
}

int ldconfig_run_without(const struct root *root, const char *store, const struct strlist *hidden,
                         struct buffer *cache, struct error *err) {
    AUTO(release) struct run run = {0};
    int rc = locate(store, &run, err);
    if (!rc)
        rc = settle(root, &run, err);
    if (rc)
        return rc;
    rc = run_in(root, &run, hidden, cache, err);
    int settled = settle(root, &run, rc ? NULL : err);
    return rc ? rc : settled;
}

int ldconfig_run(const struct root *root, const char *store, struct buffer *cache,
                 struct error *err) {
    return ldconfig_run_without(root, store, NULL, cache, err);
}
