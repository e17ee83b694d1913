#include "kmod/lifecycle/manifest_write.h"

#include <string.h>

#include "base/file.h"
#include "base/strlist.h"
#include "kmod/lifecycle/mtree_text.h"
#include "kmod/lifecycle/state_folder.h"

static const char *const type_names[] = {
    [MANIFEST_DIR] = "dir",
    [MANIFEST_FILE] = "file",
    [MANIFEST_LINK] = "link",
};

/* Adds the parents of `path` that are no entries themselves. */
static int add_parents(const struct manifest *manifest, const char *path, struct strlist *parents) {
    AUTO_FREE char *prefix = strdup(path);
    if (!prefix)
        return -ENOMEM;
    for (char *slash; (slash = strrchr(prefix, '/')) != prefix;) {
        *slash = '\0';
        if (manifest_find(manifest, prefix))
            continue;
        /* Neighbours share parents: what the last one added need not be added again. */
        if (parents->count && !strcmp(parents->items[parents->count - 1], prefix))
            return 0;
        int rc = strlist_add(parents, prefix);
        if (rc)
            return rc;
    }
    return 0;
}

static int append_name(struct buffer *out, const char *path) {
    int rc = buffer_append_string(out, ".");
    return rc ? rc : mtree_text_escape(out, path);
}

static int append_parent(struct buffer *out, const char *path) {
    int rc = append_name(out, path);
    return rc ? rc : buffer_append_string(out, " type=dir\n");
}

static int append_entry(struct buffer *out, const struct manifest_entry *entry) {
    int rc = append_name(out, entry->path);
    if (!rc)
        rc = buffer_printf(out, " type=%s mode=%04o uid=%u gid=%u", type_names[entry->type],
                           entry->mode, entry->uid, entry->gid);
    if (!rc && entry->type == MANIFEST_FILE)
        rc = buffer_printf(out, " size=%llu", (unsigned long long)entry->size);
    if (!rc && entry->type == MANIFEST_LINK)
        rc = buffer_append_string(out, " link=");
    if (!rc && entry->type == MANIFEST_LINK)
        rc = mtree_text_escape(out, entry->target);
    if (!rc && entry->type != MANIFEST_DIR)
        rc = buffer_printf(out, " time=%lld.%09ld", (long long)entry->mtime.tv_sec,
                           entry->mtime.tv_nsec);
    if (!rc && entry->type == MANIFEST_FILE)
        rc = buffer_printf(out, " sha256digest=%s", entry->sha256);
    return rc ? rc : buffer_append_string(out, "\n");
}

/* Two sorted lists become one; a parent that several entries gave is written once. */
static int append_merged(struct buffer *out, const struct manifest *manifest,
                         const struct strlist *parents) {
    int rc = 0;
    size_t parent = 0;
    for (size_t i = 0; !rc && i < manifest->count; i++) {
        const struct manifest_entry *entry = &manifest->entries[i];
        for (; !rc && parent < parents->count; parent++) {
            const char *path = parents->items[parent];
            if (strcmp(path, entry->path) > 0)
                break;
            if (parent == 0 || strcmp(parents->items[parent - 1], path))
                rc = append_parent(out, path);
        }
        if (!rc)
            rc = append_entry(out, entry);
    }
    return rc;
}

int manifest_format(struct manifest *manifest, struct buffer *out, struct error *err) {
    int rc = manifest_sort(manifest, err);
    if (rc)
        return rc;
    AUTO_STRLIST struct strlist parents = {0};
    for (size_t i = 0; !rc && i < manifest->count; i++)
        rc = add_parents(manifest, manifest->entries[i].path, &parents);
    strlist_sort(&parents);
    const size_t before = out->size;
    if (!rc)
        rc = buffer_append_string(out, "#mtree\n. type=dir\n");
    if (!rc)
        rc = append_merged(out, manifest, &parents);
    if (rc)
        return error_oom(err, "writing the manifest");
    if (out->size - before > MANIFEST_SIZE_MAX)
        return error_set(err, ERROR_REFUSED, EFBIG, "the manifest would be larger than %d bytes",
                         MANIFEST_SIZE_MAX);
    return 0;
}

int manifest_write(const struct root *root, struct manifest *manifest,
                   char sha256[static DIGEST_HEX_SIZE], struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    int rc = manifest_format(manifest, &text, err);
    if (rc)
        return rc;
    if (digest_bytes(text.data, text.size, sha256))
        return error_oom(err, "writing the manifest");
    const struct file_meta meta = FILE_META_DURABLE;
    return file_publish(root, STATE_FOLDER_MANIFEST, text.data, text.size, &meta, err);
}
