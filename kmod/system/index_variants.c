#include "kmod/system/index_variants.h"

#include <string.h>

#include "base/file.h"
#include "kmod/system/depmod.h"
#include "kmod/system/index_files.h"
#include "kmod/system/index_freshness.h"
#include "kmod/system/index_publish.h"
#include "kmod/system/index_store.h"
#include "kmod/system/index_tree.h"

/* One kernel's renewal under way. */
struct renewal {
    const struct root *root;
    struct index_store paths;
    struct module_index *index;
    char *folder; /* depmod's files, in the staging tree */
    struct strlist names;
    struct strlist with_names; /* of the index in place */
};

static void release_output(struct renewal *renewal) {
    free(renewal->folder);
    renewal->folder = NULL;
    strlist_release(&renewal->names);
}

static void release(struct renewal *renewal) {
    release_output(renewal);
    strlist_release(&renewal->with_names);
    index_store_release(&renewal->paths);
}

static int run_depmod(struct renewal *renewal, const struct strlist *without, struct error *err) {
    const struct depmod_view view = {.without = without};
    release_output(renewal);
    return depmod_run_view(renewal->root, renewal->index->kernel, renewal->paths.staging, &view,
                           &renewal->folder, &renewal->names, err);
}

/* Whether the index in place is the recorded one, depmod would write it again, and the tree and
 * what is kept are as they were. */
static int find_current(struct renewal *renewal, bool *current, struct error *err) {
    const struct root *root = renewal->root;
    const struct index_store *paths = &renewal->paths;
    AUTO_INDEX_FOLDERS struct index_folders folders;
    *current = renewal->names.count == renewal->index->count && index_tree_unchanged(root, paths);
    int rc = index_folders_open(root, paths, &folders, err);
    for (size_t i = 0; !rc && *current && i < renewal->names.count; i++) {
        const char *name = renewal->names.items[i];
        const struct module_index_file *file = index_files_find(renewal->index, name);
        bool same = false;
        rc = index_freshness_same(root, paths->kernel_dir, renewal->folder, name, &same, err);
        *current = same && file && index_files_in_place(&folders, file) &&
                   index_files_kept(&folders, file);
    }
    return rc;
}

/* A file that depmod would write the same stays: whoever wrote it ran depmod too. */
static int put_with(struct renewal *renewal, struct error *err) {
    AUTO_STRLIST struct strlist changed = {0};
    for (size_t i = 0; i < renewal->names.count; i++) {
        bool same;
        int rc = index_freshness_same(renewal->root, renewal->paths.kernel_dir, renewal->folder,
                                      renewal->names.items[i], &same, err);
        if (rc)
            return rc;
        if (!same && strlist_add(&changed, renewal->names.items[i]))
            return error_oom(err, "renewing an index");
    }
    return index_publish(renewal->root, &renewal->paths, renewal->folder, &changed, err);
}

/*
 * A time by which a teardown can tell the "without" file in place from the "with" one: a whole
 * second that is over, which no file published now has.
 */
static struct timespec time_of_without(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (struct timespec){.tv_sec = now.tv_sec - 1};
}

static int keep_fresh(struct renewal *renewal, const char *name, struct error *err) {
    AUTO_BUFFER struct buffer content = {0};
    AUTO_FREE char *path = index_store_path(renewal->paths.without, name);
    if (!path)
        return error_oom(err, "renewing an index");
    int rc = index_store_read(renewal->root, renewal->folder, name, &content, err);
    struct file_meta meta = {.mode = 0644, .mtime = time_of_without()};
    if (!rc)
        rc = file_publish(renewal->root, path, content.data, content.size, &meta, err);
    /* It was a file of before the bake, perhaps one that depmod would not have written. */
    renewal->index->stale = false;
    return rc;
}

/* "without" for one file of the index: the kept one, depmod's, or none. */
static int keep_file(struct renewal *renewal, const char *name, struct error *err) {
    bool same;
    if (!strlist_contains(&renewal->names, name)) {
        AUTO_FREE char *path = index_store_path(renewal->paths.without, name);
        return path ? file_remove(renewal->root, path, err) : error_oom(err, "renewing an index");
    }
    int rc = index_freshness_same(renewal->root, renewal->paths.without, renewal->folder, name,
                                  &same, err);
    return rc || same ? rc : keep_fresh(renewal, name, err);
}

static int keep_without(struct renewal *renewal, struct error *err) {
    const struct strlist *names = &renewal->with_names;
    int rc = root_make_dirs(renewal->root, renewal->paths.without, 0700, NULL, err);
    for (size_t i = 0; !rc && i < names->count; i++)
        rc = keep_file(renewal, names->items[i], err);
    return rc ? rc : index_store_note(renewal->root, &renewal->paths, names, err);
}

/* What a teardown must not see half done begins and ends here; see the header. */
static int renew(struct renewal *renewal, const struct strlist *ours, struct error *err) {
    const struct root *root = renewal->root;
    int rc = index_tree_forget(root, &renewal->paths, err);
    if (!rc)
        rc = file_sync_fs(root, renewal->paths.folder, err);
    if (!rc)
        rc = put_with(renewal, err);
    renewal->with_names = renewal->names;
    renewal->names = (struct strlist){0};
    if (!rc)
        rc = run_depmod(renewal, ours, err);
    if (!rc)
        rc = keep_without(renewal, err);
    if (!rc)
        rc = index_files_fill(root, &renewal->paths, renewal->index, err);
    return rc ? rc : index_files_record(root, &renewal->paths, renewal->index, err);
}

/* What publications left in the kernel's folder and in the store when they were killed. */
static int sweep(const struct root *root, const struct index_store *paths, struct error *err) {
    int rc = index_store_sweep(root, paths, err);
    if (!rc)
        rc = file_remove_temporaries(root, paths->folder, NULL, err);
    return rc ? rc : file_remove_temporaries(root, paths->without, NULL, err);
}

int index_variants_renew(const struct root *root, const char *store, const struct strlist *ours,
                         struct module_index *index, bool *renewed, struct error *err) {
    AUTO(release) struct renewal renewal = {.root = root, .index = index};
    bool current = false;
    int rc = index_store_locate(index->kernel, store, &renewal.paths, err);
    if (!rc)
        rc = root_make_dirs(root, renewal.paths.folder, 0700, NULL, err);
    if (!rc)
        rc = sweep(root, &renewal.paths, err);
    if (!rc)
        rc = index_tree_note(root, &renewal.paths, err);
    if (!rc)
        rc = run_depmod(&renewal, NULL, err);
    if (!rc)
        rc = find_current(&renewal, &current, err);
    if (!rc)
        rc = current ? index_tree_drop_note(root, &renewal.paths, err) : renew(&renewal, ours, err);
    *renewed = !current;
    int discarded =
        renewal.paths.staging ? depmod_discard(root, renewal.paths.staging, rc ? NULL : err) : 0;
    return rc ? rc : discarded;
}

int index_variants_commit(const struct root *root, const char *store, const char *kernel,
                          struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    int rc = index_store_locate(kernel, store, &paths, err);
    return rc ? rc : index_tree_commit(root, &paths, err);
}

int index_variants_forget_others(const struct root *root, const char *store,
                                 const struct strlist *kernels, struct error *err) {
    AUTO_FREE char *folder = index_store_path(store, "index");
    AUTO_STRLIST struct strlist kept = {0};
    int rc = folder ? root_list(root, folder, &kept, err) : error_oom(err, "forgetting kernels");
    for (size_t i = 0; !rc && i < kept.count; i++) {
        AUTO_INDEX_STORE struct index_store paths = {0};
        if (strlist_contains(kernels, kept.items[i]))
            continue;
        rc = index_store_locate(kept.items[i], store, &paths, err);
        if (!rc)
            rc = index_store_drop(root, &paths, err);
    }
    return rc;
}
