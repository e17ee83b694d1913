#include "kmod/lifecycle/placing.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "kmod/system/replica.h"

static void release_item(struct placing_item *item) {
    buffer_release(&item->content);
    free(item->path);
    free(item->target);
    free(item->from);
}

static int note_dir(struct placing *placing, const char *path, const char *model) {
    if (strlist_contains(&placing->dirs, path))
        return 0;
    return strlist_add(&placing->dirs, path) || strlist_add(&placing->models, model) ? -ENOMEM : 0;
}

/* All of `missing` but its last, which is the path itself, must be made first. */
static int note_dirs(struct placing *placing, const struct strlist *missing) {
    int rc = 0;
    for (size_t i = 0; !rc && i + 1 < missing->count; i++)
        rc = note_dir(placing, missing->items[i], "");
    return rc;
}

/* Takes what `item` owns, also on failure. */
static int add_item(struct placing *placing, const struct root *root, const char *path,
                    struct placing_item item, struct error *err) {
    AUTO_STRLIST struct strlist missing = {0};
    int rc = root_resolve_place(root, path, &item.path, &missing, err);
    if (!rc && root_exists(root, item.path))
        rc = error_set(err, ERROR_REFUSED, EEXIST,
                       "%s%s is already there and was not put there by this bake; nothing is "
                       "overwritten: remove it or whatever owns it first",
                       root->path, path);
    struct placing_item *items =
        rc ? NULL : reallocarray(placing->items, placing->count + 1, sizeof *items);
    if (!rc && (!items || note_dirs(placing, &missing)))
        rc = error_oom(err, "preparing what to place");
    if (items)
        placing->items = items;
    if (rc) {
        release_item(&item);
        return rc;
    }
    placing->items[placing->count++] = item;
    return 0;
}

int placing_add_file(struct placing *placing, const struct root *root, const char *path,
                     struct buffer *content, mode_t mode, struct error *err) {
    struct placing_item item = {.kind = PLACING_FILE, .content = *content, .mode = mode};
    *content = (struct buffer){0};
    return add_item(placing, root, path, item, err);
}

int placing_add_link(struct placing *placing, const struct root *root, const char *path,
                     const char *target, struct error *err) {
    struct placing_item item = {.kind = PLACING_LINK, .target = strdup(target)};
    if (!item.target)
        return error_oom(err, "preparing what to place");
    return add_item(placing, root, path, item, err);
}

int placing_add_tree(struct placing *placing, const struct root *root, const char *path,
                     const char *tree, struct error *err) {
    struct placing_item item = {.kind = PLACING_TREE, .from = strdup(tree)};
    if (!item.from)
        return error_oom(err, "preparing what to place");
    return add_item(placing, root, path, item, err);
}

void placing_hold(struct placing *placing) {
    placing->items[placing->count - 1].held = true;
}

int placing_add_copy(struct placing *placing, const struct root *root, const char *path,
                     const char *from, struct error *err) {
    struct placing_item item = {.kind = PLACING_COPY, .from = strdup(from)};
    if (!item.from)
        return error_oom(err, "preparing what to place");
    return add_item(placing, root, path, item, err);
}

int placing_add_twin(struct placing *placing, const struct root *root, const char *path,
                     size_t twin, struct error *err) {
    struct placing_item item = {.kind = PLACING_TWIN, .twin = twin};
    return add_item(placing, root, path, item, err);
}

int placing_add_dir(struct placing *placing, const struct root *root, const char *path,
                    const char *from, struct error *err) {
    AUTO_FREE char *resolved = NULL;
    AUTO_STRLIST struct strlist missing = {0};
    int rc = root_resolve_place(root, path, &resolved, &missing, err);
    if (rc)
        return rc;
    struct stat st;
    rc = root_stat(root, resolved, &st);
    if (!rc && S_ISDIR(st.st_mode))
        return 0;
    if (rc != -ENOENT)
        return error_set(err, ERROR_REFUSED, EEXIST,
                         "%s%s is already there and is no directory; nothing is overwritten: "
                         "remove it or whatever owns it first",
                         root->path, path);
    return note_dirs(placing, &missing) || note_dir(placing, resolved, from)
               ? error_oom(err, "preparing what to place")
               : 0;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int placing_check_twice(const struct placing *placing, struct error *err) {
    size_t count = 0;
    AUTO_FREE const char **paths = calloc(placing->count + placing->dirs.count + 1, sizeof *paths);
    if (!paths)
        return error_oom(err, "preparing what to place");
    for (size_t i = 0; i < placing->count; i++)
        paths[count++] = placing->items[i].path;
    for (size_t i = 0; i < placing->dirs.count; i++)
        paths[count++] = placing->dirs.items[i];
    qsort(paths, count, sizeof *paths, by_text);
    for (size_t i = 1; i < count; i++)
        if (!strcmp(paths[i - 1], paths[i]))
            return error_set(err, ERROR_REFUSED, EEXIST,
                             "two things would be placed as %s (a link in the root, as /lib, can "
                             "make two folders one): leave one of them out",
                             paths[i]);
    return 0;
}

static int make_tree(const struct placing_item *item, int parent, const char *name,
                     struct error *err) {
    AUTO_CLOSE int from = open(item->from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (from < 0)
        return error_io(err, errno, "can't open %s", item->from);
    return tree_copy(from, parent, name, err);
}

static int make_file(const struct placing_item *item, int parent, const char *name,
                     struct error *err) {
    AUTO_CLOSE int fd =
        openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -errno : file_write_all(fd, item->content.data, item->content.size);
    /* Owner before mode: chown clears setuid bits. */
    if (!rc && (fchown(fd, 0, 0) || fchmod(fd, item->mode)))
        rc = -errno;
    return rc ? error_io(err, -rc, "can't write %s", item->path) : 0;
}

static int make_link(const struct placing_item *item, int parent, const char *name,
                     struct error *err) {
    if (symlinkat(item->target, parent, name))
        return error_io(err, errno, "can't create the link %s", item->path);
    return 0;
}

/* The other name is still a temporary as well. */
static int make_twin(const struct placing *placing, const struct root *root,
                     const struct journal *journal, const struct placing_item *item, int parent,
                     const char *name, struct error *err) {
    const struct placing_item *other = &placing->items[item->twin];
    AUTO_FREE char *temporary = journal_temporary(journal, other->path);
    if (!temporary)
        return error_oom(err, "placing files");
    AUTO_CLOSE int from = -1;
    const char *from_name;
    int rc = root_open_parent(root, temporary, &from, &from_name, err);
    if (!rc && linkat(from, from_name, parent, name, 0))
        rc = error_io(err, errno, "can't make %s one file with %s", item->path, other->path);
    return rc;
}

static int make_item(const struct placing *placing, const struct root *root,
                     const struct journal *journal, const struct placing_item *item, int parent,
                     const char *name, struct error *err) {
    switch (item->kind) {
    case PLACING_FILE:
        return make_file(item, parent, name, err);
    case PLACING_LINK:
        return make_link(item, parent, name, err);
    case PLACING_TREE:
        return make_tree(item, parent, name, err);
    case PLACING_COPY:
        return replica_make(AT_FDCWD, item->from, parent, name, err);
    case PLACING_TWIN:
        return make_twin(placing, root, journal, item, parent, name, err);
    }
    return error_set(err, ERROR_INTERNAL, EINVAL, "can't place %s", item->path);
}

static int make_temporary(const struct placing *placing, const struct root *root,
                          struct journal *journal, size_t i, struct error *err) {
    const struct placing_item *item = &placing->items[i];
    AUTO_FREE char *temporary = journal_temporary(journal, item->path);
    if (!temporary)
        return error_oom(err, "placing files");
    AUTO_CLOSE int parent = -1;
    const char *name;
    int rc = root_open_parent(root, temporary, &parent, &name, err);
    if (!rc)
        rc = make_item(placing, root, journal, item, parent, name, err);
    if (rc)
        return rc;
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
        return error_io(err, errno, "can't look at %s%s", root->path, temporary);
    journal->items[i].inode = st.st_ino;
    return 0;
}

static int rename_into_place(const struct root *root, const struct journal *journal,
                             const struct placing_item *item, struct error *err) {
    AUTO_FREE char *temporary = journal_temporary(journal, item->path);
    if (!temporary)
        return error_oom(err, "placing files");
    AUTO_CLOSE int parent = -1;
    const char *name;
    int rc = root_open_parent(root, item->path, &parent, &name, err);
    if (rc)
        return rc;
    const char *from = strrchr(temporary, '/') + 1;
    if (renameat2(parent, from, parent, name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno == EEXIST)
        return error_set(err, ERROR_REFUSED, EEXIST,
                         "%s%s appeared while the bake was under way; nothing is overwritten",
                         root->path, item->path);
    return error_io(err, errno, "can't place %s%s", root->path, item->path);
}

static int note_plan(const struct placing *placing, struct journal *journal, struct error *err) {
    for (size_t i = 0; i < placing->dirs.count; i++)
        if (strlist_add(&journal->dirs, placing->dirs.items[i]))
            return error_oom(err, "writing the journal");
    for (size_t i = 0; i < placing->count; i++) {
        int rc = journal_add_item(journal, placing->items[i].path, err);
        if (rc)
            return rc;
    }
    return 0;
}

static int make_dir(const struct root *root, const char *path, const char *model,
                    struct error *err) {
    int rc = root_make_dirs(root, path, 0755, NULL, err);
    if (rc || !*model)
        return rc;
    AUTO_CLOSE int like = open(model, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (like < 0 || fstat(like, &st))
        return error_io(err, errno, "can't look at %s", model);
    AUTO_CLOSE int made = -1;
    rc = root_open_dir(root, path, &made, err);
    return rc ? rc : replica_meta(like, &st, made, model, err);
}

static int make_all(const struct placing *placing, const struct root *root, struct journal *journal,
                    struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < placing->dirs.count; i++)
        rc = make_dir(root, placing->dirs.items[i], placing->models.items[i], err);
    for (size_t i = 0; !rc && i < placing->count; i++)
        rc = make_temporary(placing, root, journal, i, err);
    return rc;
}

static int place_all(const struct placing *placing, const struct root *root,
                     const struct journal *journal, bool held, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < placing->count; i++)
        if (placing->items[i].held == held)
            rc = rename_into_place(root, journal, &placing->items[i], err);
    return rc;
}

int placing_run(const struct placing *placing, const struct root *root, struct journal *journal,
                struct error *err) {
    int rc = note_plan(placing, journal, err);
    if (!rc)
        rc = journal_write(root, journal, err);
    if (!rc)
        rc = make_all(placing, root, journal, err);
    if (!rc)
        rc = journal_write(root, journal, err);
    return rc ? rc : place_all(placing, root, journal, false, err);
}

int placing_run_held(const struct placing *placing, const struct root *root,
                     const struct journal *journal, struct error *err) {
    return place_all(placing, root, journal, true, err);
}

void placing_release(struct placing *placing) {
    for (size_t i = 0; i < placing->count; i++)
        release_item(&placing->items[i]);
    free(placing->items);
    strlist_release(&placing->dirs);
    strlist_release(&placing->models);
    *placing = (struct placing){0};
}
