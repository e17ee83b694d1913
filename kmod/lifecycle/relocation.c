#include "kmod/lifecycle/relocation.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "kmod/lifecycle/parked_store.h"
#include "kmod/system/replica.h"

/* One move under way. */
struct move {
    const struct relocation *what;
    bool into_store;
    const char *from_path;
    const char *to_path;
    int from;
    int to;
    const char *from_name;
    const char *to_name;
};

void relocation_folders_release(struct relocation_folders *folders) {
    parent_folder_release(&folders->from);
    parent_folder_release(&folders->to);
}

bool relocation_is_privileged(const struct manifest_entry *entry,
                              const struct facts_placed *placed) {
    if (entry->type != MANIFEST_FILE)
        return false;
    for (size_t i = 0; placed && i < placed->xattrs.count; i++)
        if (!strcmp(placed->xattrs.items[i].name, REPLICA_CAPABILITY))
            return true;
    return (entry->mode & REPLICA_PRIVILEGED) != 0;
}

static bool is_privileged(const struct relocation *what) {
    return relocation_is_privileged(what->entry, what->placed);
}

/* What is missing is the caller's to judge. */
static int failed(const struct move *move, struct error *err) {
    return errno == ENOENT ? -ENOENT
                           : error_io(err, errno, "can't move %s%s to %s", move->what->root->path,
                                      move->from_path, move->to_path);
}

/* A place is never overwritten; the store is nobody else's. */
static int rename_to(const struct move *move, int from, const char *name, struct error *err) {
    unsigned flags = move->into_store ? 0 : RENAME_NOREPLACE;
    if (renameat2(from, name, move->to, move->to_name, flags) == 0)
        return 0;
    return errno == EEXIST || errno == EXDEV ? -errno : failed(move, err);
}

static int remove_from(const struct move *move, struct error *err) {
    return unlinkat(move->from, move->from_name, 0) && errno != ENOENT ? failed(move, err) : 0;
}

/* Attributes before mode: nothing set later may clear what was set. */
static int give_privileges(const struct move *move, const char *name) {
    const struct facts_placed *placed = move->what->placed;
    AUTO_CLOSE int fd = openat(move->to, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = placed ? xattrs_set(fd, &placed->xattrs) : 0;
    return rc ? rc : fchmod(fd, move->what->entry->mode) ? -errno : 0;
}

#define TEMPORARY ".%.200s.prebake-move"

char *relocation_temporary(const char *path) {
    const char *name = strrchr(path, '/') + 1;
    char *temporary = NULL;
    return asprintf(&temporary, "%.*s" TEMPORARY, (int)(name - path), path, name) < 0 ? NULL
                                                                                      : temporary;
}

/* The copy is on disk before the original goes: they can be on two file systems, and on one a new
 * file's name can be there before its content. */
static int sync_copy(const struct move *move) {
    AUTO_CLOSE int fd =
        move->what->entry->type == MANIFEST_FILE
            ? openat(move->to, move->to_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
            : -1;
    if (move->what->entry->type == MANIFEST_FILE && (fd < 0 || fsync(fd)))
        return -errno;
    return fsync(move->to) ? -errno : 0;
}

static int copy(const struct move *move, struct error *err) {
    char temporary[NAME_MAX + 1];
    bool privileged = is_privileged(move->what);
    snprintf(temporary, sizeof temporary, TEMPORARY, move->to_name);
    if (unlinkat(move->to, temporary, 0) && errno != ENOENT)
        return failed(move, err);
    int rc = privileged ? replica_make_inert(move->from, move->from_name, move->to, temporary, err)
                        : replica_make(move->from, move->from_name, move->to, temporary, err);
    if (!rc && privileged && !move->into_store && (errno = -give_privileges(move, temporary)))
        rc = failed(move, err);
    if (!rc)
        rc = rename_to(move, move->to, temporary, err);
    if (rc && unlinkat(move->to, temporary, 0) == 0)
        return rc;
    if (!rc && (errno = -sync_copy(move)))
        rc = failed(move, err);
    return rc ? rc : remove_from(move, err);
}

/* The other names of a file that was copied are names of the copy. */
static int link_twin(const struct move *move, const char *twin, struct error *err) {
    AUTO_CLOSE int folder = -1;
    const char *name;
    int rc = root_open_parent(move->what->root, twin, &folder, &name, err);
    if (rc)
        return rc;
    if (move->into_store && unlinkat(move->to, move->to_name, 0) && errno != ENOENT)
        return failed(move, err);
    if (linkat(folder, name, move->to, move->to_name, 0))
        return errno == EEXIST ? -EEXIST : failed(move, err);
    return remove_from(move, err);
}

/* In the store, or one that was there before the bake and that somebody removed since. */
static int make_folder(const struct move *move, struct error *err) {
    AUTO_FREE char *folder =
        strndup(move->to_path, (size_t)(strrchr(move->to_path, '/') - move->to_path));
    return folder
               ? root_make_dirs(move->what->root, folder, move->into_store ? 0700 : 0755, NULL, err)
               : error_oom(err, "moving the bake");
}

static int open_move(struct move *move, struct error *err) {
    const struct root *root = move->what->root;
    struct relocation_folders *folders = move->what->folders;
    int rc = parent_folder_enter(&folders->from, root, move->from_path, &move->from_name, err);
    /* Most are there: only what can't be entered is looked for from the root on. */
    if (!rc && parent_folder_enter(&folders->to, root, move->to_path, &move->to_name, NULL)) {
        rc = make_folder(move, err);
        if (!rc)
            rc = parent_folder_enter(&folders->to, root, move->to_path, &move->to_name, err);
    }
    move->from = folders->from.fd;
    move->to = folders->to.fd;
    return rc;
}

static int run(struct move *move, struct error *err) {
    int rc = open_move(move, err);
    if (rc)
        return rc;
    if (move->what->twin)
        return link_twin(move, move->what->twin, err);
    rc = is_privileged(move->what) ? -EXDEV : rename_to(move, move->from, move->from_name, err);
    return rc == -EXDEV ? copy(move, err) : rc;
}

int relocation_to_store(const struct relocation *relocation, struct error *err) {
    AUTO_FREE char *kept = parked_store_path(relocation->entry->path);
    if (!kept)
        return error_oom(err, "parking the bake");
    struct move move = {.what = relocation,
                        .into_store = true,
                        .from_path = relocation->entry->path,
                        .to_path = kept};
    return run(&move, err);
}

int relocation_to_place(const struct relocation *relocation, struct error *err) {
    AUTO_FREE char *kept = parked_store_path(relocation->entry->path);
    if (!kept)
        return error_oom(err, "activating the bake");
    struct move move = {.what = relocation, .from_path = kept, .to_path = relocation->entry->path};
    return run(&move, err);
}
