#include "kmod/system/original_module.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/tree.h"
#include "kmod/system/module_name.h"
#include "kmod/system/original_home.h"
#include "kmod/system/replica.h"
#include "kmod/system/same_content.h"

#define ORIGIN ".origin"

/* An original on its way from another file system. */
#define TEMPORARY ".prebake-original"

static const char restoring[] = "putting back original modules";

struct restore {
    const struct root *root;
    struct dkms_installed *installed;
    const char *store;
    struct strlist folders; /* in the store, a folder before what it holds */
    struct strlist modules; /* in the store, as are the .origin files */
    struct strlist origins;
    unsigned *foreign;
};

static bool is_origin(const char *name) {
    size_t length = strlen(name), suffix = strlen(ORIGIN);
    return length > suffix && !strcmp(name + length - suffix, ORIGIN);
}

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    struct restore *restore = context;
    struct strlist *list = NULL;
    if (S_ISDIR(entry->st->st_mode))
        list = &restore->folders;
    else if (S_ISREG(entry->st->st_mode) && module_name_stem(entry->name))
        list = &restore->modules;
    else if (S_ISREG(entry->st->st_mode) && is_origin(entry->name))
        list = &restore->origins;
    return list && strlist_add(list, entry->path) ? error_oom(err, restoring) : 0;
}

static int list_store(struct restore *restore, struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = root_open_dir(restore->root, restore->store, &fd, err);
    return rc ? rc : tree_walk(fd, restore->store, visit, restore, err);
}

/* The two ends of a move. */
struct move {
    const char *from_path, *to_path;
    int from, to;
    const char *from_name, *to_name;
};

static void move_release(struct move *move) {
    cleanup_close(&move->from);
    cleanup_close(&move->to);
}

static int move_open(const struct root *root, struct move *move, struct error *err) {
    int rc = root_open_parent(root, move->from_path, &move->from, &move->from_name, err);
    return rc ? rc : root_open_parent(root, move->to_path, &move->to, &move->to_name, err);
}

/* By a copy, which takes its place in one step as well. */
static int move_across(const struct move *move, unsigned flags, struct error *err) {
    AUTO_FREE char *temporary = NULL;
    if (asprintf(&temporary, ".%s" TEMPORARY, move->to_name) < 0)
        return error_oom(err, restoring);
    if (unlinkat(move->to, temporary, 0) && errno != ENOENT)
        return error_io(err, errno, "can't remove %s", temporary);
    int rc = replica_make(move->from, move->from_name, move->to, temporary, err);
    if (rc)
        return error_wrap(err, rc, "can't put back %s", move->to_path);
    if (renameat2(move->to, temporary, move->to, move->to_name, flags)) {
        rc = error_io(err, errno, "can't put back %s", move->to_path);
        unlinkat(move->to, temporary, 0);
        return rc;
    }
    if (unlinkat(move->from, move->from_name, 0))
        return error_io(err, errno, "can't remove %s", move->from_path);
    return 0;
}

static int move_file(const struct move *move, bool replace, struct error *err) {
    unsigned flags = replace ? 0 : RENAME_NOREPLACE;
    if (!renameat2(move->from, move->from_name, move->to, move->to_name, flags))
        return 0;
    if (errno == EXDEV)
        return move_across(move, flags, err);
    return error_io(err, errno, "can't put back %s", move->to_path);
}

static int make_home(const struct root *root, const char *home, struct error *err) {
    AUTO_FREE char *folder = strndup(home, (size_t)(strrchr(home, '/') - home));
    return folder ? root_make_dirs(root, folder, 0755, NULL, err) : error_oom(err, restoring);
}

/* Something is at home already: the DKMS module, the original itself, or somebody else's file. */
static int put_over(struct restore *restore, const struct move *move, const struct stat *there,
                    struct error *err) {
    struct dkms_installed_file *displacer = dkms_installed_same(restore->installed, there);
    if (displacer) {
        int rc = move_file(move, true, err);
        displacer->replaced = rc == 0;
        return rc;
    }
    bool same;
    int rc = same_content(move->from, move->from_name, move->to, move->to_name, &same, err);
    if (rc || same)
        return rc ? rc : file_remove(restore->root, move->from_path, err);
    log_warning("%s%s stays there: its place %s has another file now", restore->root->path,
                move->from_path, move->to_path);
    ++*restore->foreign;
    return 0;
}

static int put_back(struct restore *restore, const char *stored, const char *home,
                    struct error *err) {
    AUTO(move_release)
    struct move move = {.from_path = stored, .to_path = home, .from = -1, .to = -1};
    struct stat there;
    int rc = make_home(restore->root, home, err);
    if (!rc)
        rc = move_open(restore->root, &move, err);
    if (rc)
        return rc;
    if (fstatat(move.to, move.to_name, &there, AT_SYMLINK_NOFOLLOW) == 0)
        return put_over(restore, &move, &there, err);
    return move_file(&move, false, err);
}

static int restore_module(struct restore *restore, const struct original_home *home,
                          const char *module, struct error *err) {
    AUTO_FREE char *stored = NULL, *path = NULL;
    if (asprintf(&stored, "%s/%s", restore->store, module) < 0)
        return error_oom(err, restoring);
    int rc = original_home_find(home, module, &path, err);
    if (rc)
        return rc;
    if (path)
        return put_back(restore, stored, path, err);
    log_warning("%s%s stays there: nothing tells where it came from", restore->root->path, stored);
    return 0;
}

static int restore_modules(struct restore *restore, const char *kernel, struct error *err) {
    AUTO_ORIGINAL_HOME struct original_home home = {0};
    int rc =
        original_home_open(restore->root, kernel, restore->store, restore->installed, &home, err);
    for (size_t i = 0; !rc && i < restore->modules.count; i++)
        rc = restore_module(restore, &home, restore->modules.items[i], err);
    return rc;
}

/* Of modules that are back, now or in an earlier run that was killed. */
static int remove_origins(const struct restore *restore, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < restore->origins.count; i++) {
        AUTO_FREE char *path = NULL;
        int length = asprintf(&path, "%s/%s", restore->store, restore->origins.items[i]);
        if (length < 0)
            return error_oom(err, restoring);
        AUTO_FREE char *stored = strndup(path, (size_t)length - strlen(ORIGIN));
        if (!stored)
            return error_oom(err, restoring);
        if (!root_exists(restore->root, stored))
            rc = file_remove(restore->root, path, err);
    }
    return rc;
}

/* What is no folder is none of dkms': it stays. */
static int remove_if_empty(const struct root *root, const char *path, struct error *err) {
    struct error reason = {0};
    int rc = file_remove_dir(root, path, &reason);
    if (rc == -ENOTEMPTY || rc == -ENOENT || rc == -ENOTDIR)
        return 0;
    if (rc && err)
        *err = reason;
    return rc;
}

/* …/original_module/K/M and what is above it, as far as they are empty. */
static int remove_folders(const struct restore *restore, struct error *err) {
    int rc = 0;
    for (size_t i = restore->folders.count; !rc && i-- > 0;) {
        AUTO_FREE char *folder = NULL;
        rc = asprintf(&folder, "%s/%s", restore->store, restore->folders.items[i]) < 0
                 ? error_oom(err, restoring)
                 : remove_if_empty(restore->root, folder, err);
    }
    AUTO_FREE char *at = strdup(restore->store);
    if (!at)
        return error_oom(err, restoring);
    for (int level = 0; !rc && level < 3; level++) {
        rc = remove_if_empty(restore->root, at, err);
        *strrchr(at, '/') = '\0';
    }
    return rc;
}

static int restore_all(struct restore *restore, const struct dkms_build *build, struct error *err) {
    int rc = list_store(restore, err);
    if (!rc && restore->modules.count > 0)
        rc = restore_modules(restore, build->kernel, err);
    return rc ? rc : remove_origins(restore, err);
}

int original_module_restore(const struct root *root, const struct dkms_build *build,
                            struct dkms_installed *installed, unsigned *foreign,
                            struct error *err) {
    AUTO_FREE char *store = NULL, *kernel_dir = NULL;
    if (asprintf(&store, "%s/original_module/%s/%s", build->paths.module_dir, build->kernel,
                 build->machine) < 0 ||
        asprintf(&kernel_dir, "/lib/modules/%s", build->kernel) < 0)
        return error_oom(err, restoring);
    struct restore restore = {
        .root = root, .installed = installed, .store = store, .foreign = foreign};
    int rc = root_is_directory(root, store) && root_is_directory(root, kernel_dir)
                 ? restore_all(&restore, build, err)
                 : 0;
    if (!rc)
        rc = remove_folders(&restore, err);
    strlist_release(&restore.folders);
    strlist_release(&restore.modules);
    strlist_release(&restore.origins);
    return rc;
}
