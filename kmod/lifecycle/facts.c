#include "kmod/lifecycle/facts.h"

#include <string.h>

#include "base/timestamp.h"
#include "kmod/lifecycle/facts_fields.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/xattrs.h"
#include "kmod/system/module_folder.h"

/*
 * One more zeroed element of `size` bytes. The capacity is the next power of two of the count, so
 * it needs no field of its own.
 */
static void *add_element(void **items, size_t *count, size_t size) {
    if ((*count & (*count - 1)) == 0) {
        void *grown = reallocarray(*items, *count ? 2 * *count : 1, size);
        if (!grown)
            return NULL;
        *items = grown;
    }
    char *element = (char *)*items + *count * size;
    memset(element, 0, size);
    (*count)++;
    return element;
}

struct facts_module *facts_add_module(struct facts *facts) {
    void *items = facts->modules;
    struct facts_module *added = add_element(&items, &facts->module_count, sizeof *added);
    facts->modules = items;
    return added;
}

struct facts_placed *facts_add_placed(struct facts *facts) {
    void *items = facts->placed;
    struct facts_placed *added = add_element(&items, &facts->placed_count, sizeof *added);
    facts->placed = items;
    return added;
}

struct module_index *facts_add_index(struct facts *facts) {
    void *items = facts->indexes;
    struct module_index *added = add_element(&items, &facts->index_count, sizeof *added);
    facts->indexes = items;
    return added;
}

int facts_record_placed(const struct root *root, const char *path, struct facts_placed *placed,
                        struct error *err) {
    struct stat st;
    int rc = root_stat(root, path, &st);
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, path);
    placed->inode = st.st_ino;
    placed->ctime_ns = timestamp_ns(st.st_ctim);
    return xattrs_read(root, path, &placed->xattrs, err);
}

int facts_record_manifest(const struct root *root, struct facts *facts, struct error *err) {
    struct stat st;
    int rc = root_stat(root, STATE_FOLDER_MANIFEST, &st);
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, STATE_FOLDER_MANIFEST);
    facts->manifest.inode = st.st_ino;
    facts->manifest.ctime_ns = timestamp_ns(st.st_ctim);
    return 0;
}

int facts_modules_of(const struct facts *facts, const struct root *root, const char *kernel,
                     struct strlist *paths, struct error *err) {
    AUTO_STRLIST struct strlist all = {0};
    for (size_t i = 0; i < facts->module_count; i++)
        if (strlist_add(&all, facts->modules[i].path))
            return error_oom(err, "listing modules");
    return module_folder_select(root, kernel, &all, paths, err);
}

void facts_remove_index(struct facts *facts, size_t i) {
    module_index_release(&facts->indexes[i]);
    memmove(&facts->indexes[i], &facts->indexes[i + 1],
            (facts->index_count - i - 1) * sizeof facts->indexes[0]);
    facts->index_count--;
}

static void release_fields(void *base, const struct facts_field *fields) {
    for (; fields->key; fields++)
        free(*facts_fields_place(base, fields));
}

void facts_release(struct facts *facts) {
    release_fields(facts, facts_fields_top);
    release_fields(&facts->dkms, facts_fields_dkms);
    for (size_t i = 0; i < facts->module_count; i++)
        release_fields(&facts->modules[i], facts_fields_module);
    for (size_t i = 0; i < facts->placed_count; i++)
        xattrs_release(&facts->placed[i].xattrs);
    for (size_t i = 0; i < facts->index_count; i++)
        module_index_release(&facts->indexes[i]);
    compared_files_release(&facts->compared);
    initramfs_files_release(&facts->initramfs);
    free(facts->modules);
    free(facts->placed);
    free(facts->indexes);
    strlist_release(&facts->pci_aliases);
    strlist_release(&facts->dkms.kernels);
    *facts = (struct facts){0};
}
