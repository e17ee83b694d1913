#include "kmod/system/module_index.h"

#include <string.h>

#include "kmod/system/depmod.h"
#include "kmod/system/index_files.h"
#include "kmod/system/index_freshness.h"
#include "kmod/system/index_publish.h"
#include "kmod/system/index_store.h"
#include "kmod/system/index_switch.h"
#include "kmod/system/index_tree.h"

static int keep(const struct root *root, const struct index_store *paths,
                struct module_index *index, struct error *err) {
    if (!root_is_directory(root, paths->kernel_dir))
        return error_set(err, ERROR_USAGE, ENOENT,
                         "%s has no modules of a kernel %s (there is no %s)", root->path,
                         index->kernel, paths->kernel_dir);
    if (root_exists(root, paths->without))
        return error_set(err, ERROR_REFUSED, EEXIST,
                         "the index of the kernel %s from before an earlier bake is still kept in "
                         "%s%s: tear that bake down first",
                         index->kernel, root->path, paths->without);
    int rc = index_store_drop(root, paths, err);
    if (!rc)
        rc = index_store_sweep(root, paths, err);
    if (!rc)
        rc = index_freshness_check(root, index->kernel, paths, &index->stale, err);
    if (!rc)
        rc = index_store_keep(root, paths, err);
    int dropped = rc ? index_store_drop(root, paths, NULL) : 0;
    return rc ? rc : dropped;
}

int module_index_keep(const struct root *root, const char *kernel, const char *store,
                      struct module_index *index, struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    *index = (struct module_index){0};
    int rc = index_store_locate(kernel, store, &paths, err);
    if (rc)
        return rc;
    index->kernel = strdup(kernel);
    rc = index->kernel ? keep(root, &paths, index, err) : error_oom(err, "keeping an index");
    if (rc)
        module_index_release(index);
    return rc;
}

int module_index_build(const struct root *root, const char *store, struct module_index *index,
                       struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    AUTO_STRLIST struct strlist names = {0};
    AUTO_FREE char *folder = NULL;
    int rc = index_store_locate(index->kernel, store, &paths, err);
    if (!rc)
        rc = index_tree_note(root, &paths, err);
    if (!rc)
        rc = depmod_run(root, index->kernel, paths.staging, &folder, &names, err);
    if (!rc)
        rc = index_store_note(root, &paths, &names, err);
    if (!rc)
        rc = index_store_keep_only(root, &paths, &names, err);
    if (!rc)
        rc = index_publish(root, &paths, folder, &names, err);
    if (!rc)
        rc = depmod_discard(root, paths.staging, err);
    if (!rc)
        rc = index_files_fill(root, &paths, index, err);
    if (!rc)
        rc = index_files_record(root, &paths, index, err);
    return rc ? rc : index_tree_commit(root, &paths, err);
}

/* A parking that was killed between its two renames left "without" in place, and the other variant
 * where "without" had been. */
static int put_file_back(void *context, const struct module_index_file *file, struct error *err) {
    const struct index_folders *folders = context;
    if (index_files_back(folders, file))
        return 0;
    return index_folders_put_back(folders, file->name, file->without_present, err);
}

static int put_back(struct index_folders *folders, const struct module_index *index,
                    struct error *err) {
    return index_switch_each(index, true, put_file_back, folders, err);
}

int module_index_undo(const struct root *root, const char *kernel, const char *store,
                      struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    AUTO_MODULE_INDEX struct module_index index = {0};
    int rc = index_store_locate(kernel, store, &paths, err);
    if (rc)
        return rc;
    if (root_exists(root, paths.folder) && root_is_directory(root, paths.kernel_dir)) {
        AUTO_INDEX_FOLDERS struct index_folders folders;
        rc = index_folders_open(root, &paths, &folders, err);
        if (!rc)
            rc = index_store_sweep(root, &paths, err);
        if (!rc)
            rc = index_files_fill(root, &paths, &index, err);
        if (!rc)
            rc = put_back(&folders, &index, err);
    }
    return rc ? rc : index_store_drop(root, &paths, err);
}

int module_index_restore(const struct root *root, const struct module_index *index,
                         const char *store, bool *needs_refresh, struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    *needs_refresh = false;
    int rc = index_store_locate(index->kernel, store, &paths, err);
    if (rc)
        return rc;
    if (root_is_directory(root, paths.kernel_dir)) {
        AUTO_INDEX_FOLDERS struct index_folders folders;
        rc = index_folders_open(root, &paths, &folders, err);
        if (!rc)
            rc = index_store_sweep(root, &paths, err);
        if (rc)
            *needs_refresh = true;
        else if (index_switch_possible(root, &paths, &folders, index))
            rc = put_back(&folders, index, err);
        else
            *needs_refresh = index_files_any(&folders, index);
    }
    return rc ? rc : index_store_drop(root, &paths, err);
}

void module_index_release(struct module_index *index) {
    index_files_forget(index);
    free(index->kernel);
    *index = (struct module_index){0};
}
