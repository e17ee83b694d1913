#include "builder/userspace.h"

#include <string.h>
#include <sys/xattr.h>

#include "base/beneath.h"
#include "base/tree.h"
#include "kmod/module/printable.h"

static bool has_control_character(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == '\x7f')
            return true;
    return false;
}

static int refuse(const struct userspace *userspace, const char *path, const char *fact,
                  struct error *err) {
    return error_set(err, ERROR_REFUSED, EPERM, "--userspace: %s%s %s", userspace->tree.path, path,
                     fact);
}

/* As for every directory on the way to what prebake changes: in the root it would make what is
 * below it impossible to remove safely. */
static int check_dir(const struct userspace *userspace, const char *path, const struct stat *st,
                     struct error *err) {
    if (!beneath_is_untrusted(st))
        return 0;
    return refuse(userspace, path,
                  "is a directory that others than root can change (its owner is not root, or it "
                  "is writable by others): chown and chmod it first",
                  err);
}

/* What lets who runs the file do more than they may. */
static int note_privilege(struct userspace *userspace, const struct userspace_entry *entry,
                          struct error *err) {
    AUTO_FREE char *host = root_host_path(&userspace->tree, entry->path);
    if (!host)
        return error_oom(err, "reading a userspace");
    bool capable = lgetxattr(host, "security.capability", NULL, 0) > 0;
    if ((entry->st.st_mode & (S_ISUID | S_ISGID)) || capable)
        return strlist_add(&userspace->privileged, entry->path)
                   ? error_oom(err, "reading a userspace")
                   : 0;
    return 0;
}

/* Only a file with several names has to be looked for. */
static size_t find_twin(const struct userspace *userspace, const struct stat *st) {
    for (size_t i = 0; st->st_nlink > 1 && i < userspace->count; i++) {
        const struct stat *other = &userspace->entries[i].st;
        if (S_ISREG(other->st_mode) && other->st_ino == st->st_ino && other->st_dev == st->st_dev)
            return i;
    }
    return userspace->count;
}

static int take_file(struct userspace *userspace, struct userspace_entry *entry,
                     struct error *err) {
    entry->twin = find_twin(userspace, &entry->st);
    userspace->files++;
    if (entry->twin == userspace->count)
        userspace->bytes += (uint64_t)entry->st.st_size;
    return note_privilege(userspace, entry, err);
}

static int take_link(struct userspace *userspace, struct userspace_entry *entry,
                     struct error *err) {
    int rc = root_read_link(&userspace->tree, entry->path, &entry->target);
    if (rc)
        return error_io(err, -rc, "can't read the link %s%s", userspace->tree.path, entry->path);
    if (has_control_character(entry->target))
        return refuse(userspace, entry->path, "is a link whose target has control characters", err);
    userspace->links++;
    return 0;
}

static int take(struct userspace *userspace, struct userspace_entry *entry, struct error *err) {
    AUTO_FREE char *shown = printable_copy(entry->path);
    if (!shown)
        return error_oom(err, "reading a userspace");
    if (strcmp(shown, entry->path))
        return refuse(userspace, shown,
                      "has control characters in its name, or bytes that are no UTF-8 text", err);
    switch (entry->st.st_mode & S_IFMT) {
    case S_IFREG:
        return take_file(userspace, entry, err);
    case S_IFLNK:
        return take_link(userspace, entry, err);
    case S_IFDIR:
        userspace->dirs++;
        return check_dir(userspace, entry->path, &entry->st, err);
    }
    return refuse(userspace, entry->path,
                  "is neither a file, a directory nor a link, and nothing else is placed", err);
}

static int grow(struct userspace *userspace) {
    if ((userspace->count & (userspace->count - 1)) != 0)
        return 0;
    size_t room = userspace->count ? 2 * userspace->count : 1;
    struct userspace_entry *grown =
        reallocarray(userspace->entries, room, sizeof *userspace->entries);
    if (!grown)
        return -ENOMEM;
    userspace->entries = grown;
    return 0;
}

static int visit(void *context, const struct tree_entry *found, struct error *err) {
    struct userspace *userspace = context;
    struct userspace_entry entry = {.st = *found->st};
    if (grow(userspace) || asprintf(&entry.path, "/%s", found->path) < 0)
        return error_oom(err, "reading a userspace");
    int rc = take(userspace, &entry, err);
    if (rc) {
        free(entry.path);
        free(entry.target);
        return rc;
    }
    userspace->entries[userspace->count++] = entry;
    return 0;
}

static int open_tree(const char *dir, struct userspace *userspace, struct error *err) {
    struct stat st;
    if (stat(dir, &st))
        return error_set(err, ERROR_USAGE, errno, "--userspace %s: %s", dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return error_set(err, ERROR_USAGE, ENOTDIR,
                         "--userspace %s: not a directory; unpack it into one, laid out as it is "
                         "to stand in the root",
                         dir);
    int rc = root_open(&userspace->tree, dir, err);
    return rc ? rc : check_dir(userspace, "", &st, err);
}

static int read_tree(const char *dir, struct userspace *userspace, struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = root_open_dir(&userspace->tree, "/", &fd, err);
    if (!rc)
        rc = tree_walk(fd, userspace->tree.path, visit, userspace, err);
    if (!rc && userspace->files + userspace->links == 0)
        rc = error_set(err, ERROR_USAGE, ENOENT, "--userspace %s: there is nothing in it", dir);
    return rc;
}

int userspace_read(const char *dir, struct userspace *userspace, struct error *err) {
    *userspace = (struct userspace)USERSPACE_INIT;
    int rc = open_tree(dir, userspace, err);
    if (!rc)
        rc = read_tree(dir, userspace, err);
    if (rc)
        userspace_release(userspace);
    return rc;
}

void userspace_release(struct userspace *userspace) {
    for (size_t i = 0; i < userspace->count; i++) {
        free(userspace->entries[i].path);
        free(userspace->entries[i].target);
    }
    free(userspace->entries);
    strlist_release(&userspace->privileged);
    root_close(&userspace->tree);
    *userspace = (struct userspace)USERSPACE_INIT;
}
