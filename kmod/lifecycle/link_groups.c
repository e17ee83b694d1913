#include "kmod/lifecycle/link_groups.h"

/* A path whose file has more names. */
struct name {
    dev_t device;
    ino_t inode;
    size_t number; /* of the entry */
};

static int by_file(const void *a, const void *b) {
    const struct name *x = a, *y = b;
    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->inode != y->inode)
        return x->inode < y->inode ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

static bool is_same_file(const struct name *a, const struct name *b) {
    return a->device == b->device && a->inode == b->inode;
}

static int collect(const struct root *root, const struct manifest *manifest, struct name *names,
                   size_t *count, struct error *err) {
    *count = 0;
    for (size_t i = 0; i < manifest->count; i++) {
        struct stat st;
        if (manifest->entries[i].type != MANIFEST_FILE)
            continue;
        int rc = root_stat(root, manifest->entries[i].path, &st);
        if (rc)
            return error_io(err, -rc, "can't look at %s%s", root->path, manifest->entries[i].path);
        if (st.st_nlink > 1)
            names[(*count)++] = (struct name){st.st_dev, st.st_ino, i};
    }
    return 0;
}

int link_groups_find(const struct root *root, const struct manifest *manifest, struct facts *facts,
                     struct error *err) {
    AUTO_FREE struct name *names = calloc(manifest->count + 1, sizeof *names);
    size_t count;
    if (!names)
        return error_oom(err, "recording hard links");
    int rc = collect(root, manifest, names, &count, err);
    if (rc)
        return rc;
    qsort(names, count, sizeof *names, by_file);
    uint32_t groups = 0;
    for (size_t i = 0; i < facts->placed_count; i++)
        facts->placed[i].link_group = 0;
    for (size_t i = 0; i < count; i++) {
        bool with_last = i > 0 && is_same_file(&names[i - 1], &names[i]);
        bool with_next = i + 1 < count && is_same_file(&names[i], &names[i + 1]);
        if (with_next && !with_last)
            groups++;
        if ((with_last || with_next) && names[i].number < facts->placed_count)
            facts->placed[names[i].number].link_group = groups;
    }
    return 0;
}
