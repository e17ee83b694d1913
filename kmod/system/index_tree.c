#include "kmod/system/index_tree.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/timestamp.h"
#include "base/tree.h"
#include "kmod/system/depmod.h"
#include "kmod/system/module_name.h"

#define OWN_FOLDER "kernel"   /* of the modules that come with the kernel */
#define NOTE_MAX (16UL << 20) /* a distribution's largest kernel has 60 KB */

struct note {
    struct buffer text;
    const char *folder; /* below the kernel's: what is walked now */
};

static bool does_not_count(const char *name) {
    return depmod_is_index_file(name) || index_store_is_temporary(name) || !strcmp(name, "build") ||
           !strcmp(name, "source");
}

static int add_line(struct note *note, const char *path, const struct stat *st) {
    if (strchr(path, '\n'))
        return -EILSEQ;
    return buffer_printf(&note->text, "%" PRId64 " %s\n", timestamp_ns(st->st_ctim), path);
}

/* Noting the kernel's own, some thousands, would make each look at a tree much longer. */
static bool is_added_module(const struct note *note, const struct tree_entry *entry) {
    return S_ISREG(entry->st->st_mode) && strcmp(note->folder, OWN_FOLDER) != 0 &&
           !path_is_below(note->folder, OWN_FOLDER) && module_name_stem(entry->name) > 0;
}

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    struct note *note = context;
    AUTO_FREE char *path = NULL;
    (void)err;
    if (!S_ISDIR(entry->st->st_mode) && !is_added_module(note, entry))
        return 0;
    return asprintf(&path, "%s/%s", note->folder, entry->path) < 0
               ? -ENOMEM
               : add_line(note, path, entry->st);
}

static int note_entry(struct note *note, int kernel_dir, const char *name, struct error *err) {
    struct stat st;
    if (fstatat(kernel_dir, name, &st, AT_SYMLINK_NOFOLLOW))
        return -errno;
    int rc = add_line(note, name, &st);
    if (rc || !S_ISDIR(st.st_mode))
        return rc;
    AUTO_CLOSE int fd = openat(kernel_dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    note->folder = name;
    return tree_walk(fd, name, visit, note, err);
}

/* The names directly in the kernel's folder that count. */
static int list_top(const struct root *root, const struct index_store *paths, struct strlist *names,
                    struct error *err) {
    AUTO_STRLIST struct strlist all = {0};
    int rc = root_list(root, paths->kernel_dir, &all, err);
    for (size_t i = 0; !rc && i < all.count; i++)
        if (!does_not_count(all.items[i]) && strlist_add(names, all.items[i]))
            rc = error_oom(err, "noting a module tree");
    return rc;
}

/* Splits "<ctime in ns> <path>". */
static bool parse_line(const char *line, intmax_t *ctime_ns, const char **path) {
    char *end;
    *ctime_ns = strtoimax(line, &end, 10);
    *path = end + 1;
    return end != line && *end == ' ';
}

/* A folder that is as it was stays as it was noted; any other is walked. Those below it follow it
 * in the note, and are passed over then. */
static int renew_line(struct note *note, int kernel_dir, const char *line, const char **walked,
                      struct error *err) {
    intmax_t ctime_ns;
    const char *path;
    struct stat st;
    if (!parse_line(line, &ctime_ns, &path))
        return -EINVAL;
    if (path_is_below(path, *walked))
        return 0;
    if (fstatat(kernel_dir, path, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? 0 : -errno;
    if (timestamp_ns(st.st_ctim) == ctime_ns)
        return add_line(note, path, &st);
    *walked = path;
    return note_entry(note, kernel_dir, path, err);
}

/* Takes `text` apart. */
static int renew_lines(struct note *note, int kernel_dir, struct buffer *text,
                       struct strlist *noted, struct error *err) {
    const char *walked = "";
    int rc = 0;
    for (char *line, *rest = (char *)text->data; !rc && rest && *rest;) {
        line = strsep(&rest, "\n");
        rc = renew_line(note, kernel_dir, line, &walked, err);
        if (!rc && !strchr(line, '/') && strlist_add(noted, strchr(line, ' ') + 1))
            rc = error_oom(err, "noting a module tree");
    }
    return rc;
}

/* With a note of before, `again`: what that has of unchanged folders is not read anew. */
static int make_note(const struct root *root, const struct index_store *paths, bool again,
                     struct note *note, struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_STRLIST struct strlist names = {0}, noted = {0};
    AUTO_CLOSE int kernel_dir = -1;
    int rc = again ? file_read(root, paths->tree, NOTE_MAX, &text, err) : 0;
    if (!rc)
        rc = list_top(root, paths, &names, err);
    if (!rc)
        rc = root_open_dir(root, paths->kernel_dir, &kernel_dir, err);
    if (!rc)
        rc = renew_lines(note, kernel_dir, &text, &noted, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        if (!strlist_contains(&noted, names.items[i]))
            rc = note_entry(note, kernel_dir, names.items[i], err);
    return rc;
}

static int publish_note(const struct root *root, const struct index_store *paths, bool again,
                        struct error *err) {
    struct note note = {0};
    struct error reason = {0};
    int rc = make_note(root, paths, again, &note, &reason);
    if (rc) {
        log_detail("changes of %s will not be told from its folders: %s", paths->kernel_dir,
                   *reason.text ? reason.text : strerror(-rc));
        rc = index_tree_drop_note(root, paths, err);
    } else {
        struct file_meta meta = FILE_META_DEFAULT;
        rc = file_publish(root, paths->tree_next, note.text.data, note.text.size, &meta, err);
    }
    buffer_release(&note.text);
    return rc;
}

int index_tree_note(const struct root *root, const struct index_store *paths, struct error *err) {
    return publish_note(root, paths, false, err);
}

int index_tree_note_again(const struct root *root, const struct index_store *paths,
                          struct error *err) {
    return publish_note(root, paths, true, err);
}

int index_tree_commit(const struct root *root, const struct index_store *paths, struct error *err) {
    AUTO_CLOSE int folder = -1;
    const char *next;
    if (!root_exists(root, paths->tree_next))
        return index_tree_forget(root, paths, err);
    int rc = root_open_parent(root, paths->tree_next, &folder, &next, err);
    if (!rc && renameat(folder, next, folder, strrchr(paths->tree, '/') + 1))
        rc = error_io(err, errno, "can't create %s%s", root->path, paths->tree);
    return rc;
}

int index_tree_forget(const struct root *root, const struct index_store *paths, struct error *err) {
    return root_exists(root, paths->folder) ? file_remove(root, paths->tree, err) : 0;
}

int index_tree_drop_note(const struct root *root, const struct index_store *paths,
                         struct error *err) {
    return root_exists(root, paths->folder) ? file_remove(root, paths->tree_next, err) : 0;
}

/* Compares one line, NUL-terminated; `top` counts those directly in the kernel's folder. */
static bool is_as_noted(const char *line, int kernel_dir, size_t *top) {
    const char *path;
    struct stat st;
    intmax_t ctime_ns;
    if (!parse_line(line, &ctime_ns, &path) || fstatat(kernel_dir, path, &st, AT_SYMLINK_NOFOLLOW))
        return false;
    *top += strchr(path, '/') == NULL;
    return timestamp_ns(st.st_ctim) == ctime_ns;
}

bool index_tree_unchanged(const struct root *root, const struct index_store *paths) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_STRLIST struct strlist names = {0};
    AUTO_CLOSE int kernel_dir = -1;
    if (file_read(root, paths->tree, NOTE_MAX, &text, NULL) ||
        root_open_dir(root, paths->kernel_dir, &kernel_dir, NULL) ||
        list_top(root, paths, &names, NULL))
        return false;
    size_t top = 0;
    char *rest = (char *)text.data;
    for (char *line; rest && *rest;) {
        line = strsep(&rest, "\n");
        if (!is_as_noted(line, kernel_dir, &top))
            return false;
    }
    return top == names.count;
}
