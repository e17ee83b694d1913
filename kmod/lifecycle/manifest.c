#include "kmod/lifecycle/manifest.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/safe_name.h"

static int refuse(struct error *err, const char *path, const char *why) {
    return error_set(err, ERROR_REFUSED, EINVAL, "%s can't be in the manifest: %s", path, why);
}

static int check(const struct manifest_entry *entry, struct error *err) {
    if (!safe_name_path(entry->path))
        return refuse(err, entry->path, "not an absolute path in its shortest form");
    if (entry->type == MANIFEST_FILE && !safe_name_sha256(entry->sha256))
        return refuse(err, entry->path, "a file without its digest");
    if (entry->type == MANIFEST_FILE && entry->size > INT64_MAX)
        return refuse(err, entry->path, "its size is impossible");
    if (entry->type == MANIFEST_LINK &&
        (!entry->target || !*entry->target || strlen(entry->target) >= PATH_MAX))
        return refuse(err, entry->path, "a link without a usable target");
    return 0;
}

static int make_room(struct manifest *manifest) {
    if (manifest->count < manifest->capacity)
        return 0;
    size_t capacity = manifest->capacity ? 2 * manifest->capacity : 64;
    struct manifest_entry *grown =
        reallocarray(manifest->entries, capacity, sizeof *manifest->entries);
    if (!grown)
        return -ENOMEM;
    manifest->entries = grown;
    manifest->capacity = capacity;
    return 0;
}

/* What an entry of this type has, and nothing else, so that equal entries are equal throughout. */
static struct manifest_entry fields_of_type(const struct manifest_entry *entry) {
    struct manifest_entry own = {
        .type = entry->type,
        .mode = entry->mode & 07777,
        .uid = entry->uid,
        .gid = entry->gid,
    };
    if (entry->type != MANIFEST_DIR)
        own.mtime = entry->mtime;
    if (entry->type == MANIFEST_FILE) {
        own.size = entry->size;
        memcpy(own.sha256, entry->sha256, sizeof own.sha256);
    }
    return own;
}

int manifest_add(struct manifest *manifest, const struct manifest_entry *entry, struct error *err) {
    int rc = check(entry, err);
    if (rc)
        return rc;
    if (manifest->count >= MANIFEST_ENTRIES_MAX)
        return error_set(err, ERROR_REFUSED, E2BIG, "the manifest has more than %d entries",
                         MANIFEST_ENTRIES_MAX);
    AUTO_FREE char *path = strdup(entry->path);
    AUTO_FREE char *target = entry->type == MANIFEST_LINK ? strdup(entry->target) : NULL;
    if (!path || (entry->type == MANIFEST_LINK && !target) || make_room(manifest))
        return error_oom(err, "adding to the manifest");
    struct manifest_entry *added = &manifest->entries[manifest->count++];
    *added = fields_of_type(entry);
    added->path = STEAL(path);
    added->target = STEAL(target);
    return 0;
}

static void take_stat(struct manifest_entry *entry, const struct stat *st) {
    entry->mode = st->st_mode & 07777;
    entry->uid = st->st_uid;
    entry->gid = st->st_gid;
    entry->size = (uint64_t)st->st_size;
    entry->mtime = st->st_mtim;
}

/* Size and times come from the descriptor that the digest is computed from. */
static int take_file(struct manifest_entry *entry, const struct root *root, struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = root_open_file(root, entry->path, &fd, err);
    if (rc)
        return rc;
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at %s%s", root->path, entry->path);
    entry->type = MANIFEST_FILE;
    take_stat(entry, &st);
    return digest_fd(fd, entry->path, entry->sha256, err);
}

int manifest_record(struct manifest *manifest, const struct root *root, const char *path,
                    struct error *err) {
    AUTO_FREE char *own_path = strdup(path), *target = NULL;
    if (!own_path)
        return error_oom(err, "adding to the manifest");
    struct manifest_entry entry = {.path = own_path};
    struct stat st;
    int rc = root_stat(root, path, &st);
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, path);
    take_stat(&entry, &st);
    if (S_ISREG(st.st_mode)) {
        rc = take_file(&entry, root, err);
    } else if (S_ISLNK(st.st_mode)) {
        entry.type = MANIFEST_LINK;
        rc = root_read_link(root, path, &target);
        entry.target = target;
        if (rc)
            return error_io(err, -rc, "can't read the link %s%s", root->path, path);
    } else if (!S_ISDIR(st.st_mode)) {
        return refuse(err, path, "neither file, directory nor link");
    }
    return rc ? rc : manifest_add(manifest, &entry, err);
}

static int compare_paths(const void *a, const void *b) {
    return strcmp(((const struct manifest_entry *)a)->path,
                  ((const struct manifest_entry *)b)->path);
}

int manifest_sort(struct manifest *manifest, struct error *err) {
    if (manifest->count == 0)
        return 0;
    qsort(manifest->entries, manifest->count, sizeof *manifest->entries, compare_paths);
    for (size_t i = 1; i < manifest->count; i++)
        if (!compare_paths(&manifest->entries[i - 1], &manifest->entries[i]))
            return refuse(err, manifest->entries[i].path, "it is there twice");
    return 0;
}

const struct manifest_entry *manifest_find(const struct manifest *manifest, const char *path) {
    size_t low = 0, high = manifest->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(path, manifest->entries[middle].path);
        if (order == 0)
            return &manifest->entries[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

void manifest_release(struct manifest *manifest) {
    for (size_t i = 0; i < manifest->count; i++) {
        free(manifest->entries[i].path);
        free(manifest->entries[i].target);
    }
    free(manifest->entries);
    *manifest = (struct manifest){0};
}
