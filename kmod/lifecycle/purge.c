#include "kmod/lifecycle/purge.h"

#include "base/file.h"
#include "base/tree.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/durability.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/node_place.h"
#include "kmod/lifecycle/state_folder.h"

/* With a lock of its own: recovery removes the folder that is locked. */
static int recover(const struct root *root, unsigned lock_wait, struct error *err) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = lock_take(root, lock_wait, &lock, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    return bake_is_unfinished(root) ? bake_recover(root, err) : 0;
}

static int refuse_bake(const struct root *root, struct error *err) {
    if (!root_exists(root, STATE_FOLDER_MARKER) && !bake_is_unfinished(root))
        return 0;
    return error_set(err, ERROR_INCOMPLETE, EBUSY,
                     "%s/ carries a bake: prebake-node stays until it is torn down; run 'teardown "
                     "--purge' again",
                     root->path);
}

static int empty_folder(const struct root *root, int folder, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, STATE_FOLDER, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        rc = tree_remove(folder, names.items[i], err);
    return rc ? error_wrap(err, rc, "can't empty %s" STATE_FOLDER, root->path) : 0;
}

static int remove_folders(const struct root *root, const struct strlist *created,
                          struct error *err) {
    int rc = file_remove_dir(root, STATE_FOLDER, err);
    for (size_t i = created->count; (!rc || rc == -ENOENT) && i > 0; i--)
        rc = file_remove_dir(root, created->items[i - 1], err);
    return rc == -ENOENT || rc == -ENOTEMPTY ? 0 : rc;
}

int purge_run(const struct root *root, unsigned lock_wait, struct error *err) {
    if (!root_exists(root, STATE_FOLDER) && !root_exists(root, NODE_PLACE_PATH))
        return 0;
    AUTO_LOCK struct lock lock = LOCK_INIT;
    AUTO_STRLIST struct strlist created = {0};
    int rc = recover(root, lock_wait, err);
    if (!rc)
        rc = lock_take_making(root, lock_wait, &created, &lock, err);
    if (!rc)
        rc = refuse_bake(root, err);
    if (!rc)
        rc = empty_folder(root, lock.fd, err);
    if (!rc)
        rc = durability_sync(root, err);
    if (!rc)
        rc = node_place_clear(root, err);
    return rc ? rc : remove_folders(root, &created, err);
}
