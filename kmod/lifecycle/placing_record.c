#include "kmod/lifecycle/placing_record.h"

#include "base/tree.h"

struct recording {
    const struct root *root;
    struct manifest *manifest;
    const char *top;
};

static int record_below(void *context, const struct tree_entry *entry, struct error *err) {
    const struct recording *recording = context;
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s", recording->top, entry->path) < 0)
        return error_oom(err, "recording what was placed");
    return manifest_record(recording->manifest, recording->root, path, err);
}

static int record_item(const struct root *root, const struct placing_item *item,
                       struct manifest *manifest, struct error *err) {
    int rc = manifest_record(manifest, root, item->path, err);
    if (rc || item->kind != PLACING_TREE)
        return rc;
    AUTO_CLOSE int fd = -1;
    rc = root_open_dir(root, item->path, &fd, err);
    struct recording recording = {.root = root, .manifest = manifest, .top = item->path};
    return rc ? rc : tree_walk(fd, item->path, record_below, &recording, err);
}

int placing_record(const struct placing *placing, const struct root *root,
                   struct manifest *manifest, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < placing->dirs.count; i++)
        rc = manifest_record(manifest, root, placing->dirs.items[i], err);
    for (size_t i = 0; !rc && i < placing->count; i++)
        rc = record_item(root, &placing->items[i], manifest, err);
    return rc;
}
