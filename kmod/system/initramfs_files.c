#include "kmod/system/initramfs_files.h"

#include <fcntl.h>
#include <string.h>

#include "base/timestamp.h"

#define BOOT "/boot"
#define LEVELS_MAX 5 /* /boot/efi/EFI/<distribution>/…, /boot/<machine id>/<kernel>/initrd */

static const char looking[] = "looking for initramfs images";

struct initramfs_file *initramfs_files_add(struct initramfs_files *files, const char *path) {
    struct initramfs_file *grown = reallocarray(files->items, files->count + 1, sizeof *grown);
    if (!grown)
        return NULL;
    files->items = grown;
    struct initramfs_file *added = &grown[files->count];
    *added = (struct initramfs_file){.path = strdup(path)};
    if (!added->path)
        return NULL;
    files->count++;
    return added;
}

static bool is_image_name(const char *name) {
    return !strncmp(name, "initrd", strlen("initrd")) ||
           !strncmp(name, "initramfs", strlen("initramfs"));
}

struct search {
    const struct root *root;
    struct initramfs_files *files;
    struct strlist links; /* with an image's name */
};

static int add(struct search *search, const char *path, const struct stat *st, struct error *err) {
    struct initramfs_file *file = initramfs_files_add(search->files, path);
    if (!file)
        return error_oom(err, looking);
    file->inode = st->st_ino;
    file->ctime_ns = timestamp_ns(st->st_ctim);
    file->size = (uint64_t)st->st_size;
    return 0;
}

/* One directory; what is mounted in it (an EFI system partition) is read too. */
static int find_in(struct search *search, const char *folder, unsigned level, struct error *err);

static int visit(struct search *search, int parent, const char *folder, const char *name,
                 unsigned level, struct error *err) {
    AUTO_FREE char *path = NULL;
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
        return 0;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return error_oom(err, looking);
    if (S_ISDIR(st.st_mode))
        return level < LEVELS_MAX ? find_in(search, path, level + 1, err) : 0;
    if (!is_image_name(name))
        return 0;
    if (S_ISLNK(st.st_mode) && strlist_add(&search->links, path))
        return error_oom(err, looking);
    return S_ISREG(st.st_mode) ? add(search, path, &st, err) : 0;
}

/* GRUB alone has hundreds of files there: only what may be an image or a folder is looked at. */
static int find_in(struct search *search, const char *folder, unsigned level, struct error *err) {
    const struct root *root = search->root;
    int fd = -1;
    int rc = root_open_dir(root, folder, &fd, err);
    if (rc)
        return rc;
    AUTO_CLOSEDIR DIR *dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return error_oom(err, looking);
    }
    for (struct dirent *entry; !rc && (errno = 0, entry = readdir(dir));) {
        bool is_file = entry->d_type == DT_REG || entry->d_type == DT_LNK;
        if ((!is_file || is_image_name(entry->d_name)) && strcmp(entry->d_name, ".") &&
            strcmp(entry->d_name, ".."))
            rc = visit(search, fd, folder, entry->d_name, level, err);
    }
    if (!rc && errno)
        rc = error_io(err, errno, "can't read %s%s", root->path, folder);
    return rc;
}

static int compare(const void *a, const void *b) {
    return strcmp(((const struct initramfs_file *)a)->path,
                  ((const struct initramfs_file *)b)->path);
}

static bool is_same_writing(const struct initramfs_file *a, const struct initramfs_file *b) {
    return a->inode == b->inode && a->ctime_ns == b->ctime_ns && a->size == b->size;
}

static bool has(const struct initramfs_files *files, const struct initramfs_file *file) {
    for (size_t i = 0; i < files->count; i++)
        if (is_same_writing(&files->items[i], file))
            return true;
    return false;
}

/* The image that a boot loader gets by the link, unless it was found by its own name: it may stand
 * anywhere. */
static int add_linked(struct search *search, const char *link, struct error *err) {
    struct initramfs_files *files = search->files;
    AUTO_FREE char *path = NULL;
    struct stat st;
    if (root_follow(search->root, link, &path) || root_stat(search->root, path, &st) ||
        !S_ISREG(st.st_mode))
        return 0;
    int rc = add(search, path, &st, err);
    if (rc)
        return rc;
    const struct initramfs_files before = {files->items, files->count - 1};
    struct initramfs_file *added = &files->items[files->count - 1];
    if (!has(&before, added))
        return 0;
    free(added->path);
    files->count--;
    return 0;
}

static int find_all(struct search *search, struct error *err) {
    struct initramfs_files *files = search->files;
    int rc = find_in(search, BOOT, 1, err);
    for (size_t i = 0; !rc && i < search->links.count; i++)
        rc = add_linked(search, search->links.items[i], err);
    if (!rc && files->count)
        qsort(files->items, files->count, sizeof *files->items, compare);
    return rc;
}

int initramfs_files_find(const struct root *root, struct initramfs_files *files,
                         struct error *err) {
    struct search search = {.root = root, .files = files};
    if (!root_is_directory(root, BOOT))
        return 0;
    int rc = find_all(&search, err);
    strlist_release(&search.links);
    return rc;
}

static const struct initramfs_file *find_recorded(const struct initramfs_files *recorded,
                                                  const char *path) {
    for (size_t i = 0; i < recorded->count; i++)
        if (!strcmp(recorded->items[i].path, path))
            return &recorded->items[i];
    return NULL;
}

static int digest(const struct root *root, struct initramfs_file *file, struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = root_open_file(root, file->path, &fd, err);
    return rc ? rc : digest_fd(fd, file->path, file->sha256, err);
}

int initramfs_files_is_recorded(const struct root *root, const struct initramfs_files *recorded,
                                const struct initramfs_file *file, bool *is_recorded,
                                struct error *err) {
    const struct initramfs_file *known = find_recorded(recorded, file->path);
    *is_recorded = known && is_same_writing(known, file);
    if (!known || *is_recorded || known->size != file->size)
        return 0;
    struct initramfs_file now = *file;
    int rc = digest(root, &now, err);
    *is_recorded = !rc && !strcmp(now.sha256, known->sha256);
    return rc;
}

int initramfs_files_digest(const struct root *root, const struct initramfs_files *recorded,
                           struct initramfs_files *files, bool *changed, struct error *err) {
    *changed = files->count != recorded->count;
    for (size_t i = 0; i < files->count; i++) {
        struct initramfs_file *file = &files->items[i];
        const struct initramfs_file *known = find_recorded(recorded, file->path);
        if (known && is_same_writing(known, file)) {
            strcpy(file->sha256, known->sha256);
            continue;
        }
        *changed = true;
        int rc = digest(root, file, err);
        if (rc)
            return rc;
    }
    return 0;
}

void initramfs_files_release(struct initramfs_files *files) {
    for (size_t i = 0; i < files->count; i++)
        free(files->items[i].path);
    free(files->items);
    *files = (struct initramfs_files){0};
}
