#include "kmod/system/initramfs_files.h"

#include <fcntl.h>
#include <string.h>

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

/* One directory; what is mounted in it (an EFI system partition) is read too. */
static int find_in(const struct root *root, const char *folder, unsigned level,
                   struct initramfs_files *files, struct error *err);

static int visit(const struct root *root, int parent, const char *folder, const char *name,
                 unsigned level, struct initramfs_files *files, struct error *err) {
    AUTO_FREE char *path = NULL;
    struct stat st;
    if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW))
        return 0;
    if (asprintf(&path, "%s/%s", folder, name) < 0)
        return error_oom(err, looking);
    if (S_ISDIR(st.st_mode))
        return level < LEVELS_MAX ? find_in(root, path, level + 1, files, err) : 0;
    if (!S_ISREG(st.st_mode) || !is_image_name(name))
        return 0;
    struct initramfs_file *file = initramfs_files_add(files, path);
    if (!file)
        return error_oom(err, looking);
    file->inode = st.st_ino;
    file->ctime_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
    file->size = (uint64_t)st.st_size;
    return 0;
}

/* GRUB alone has hundreds of files there: only what may be an image or a folder is looked at. */
static int find_in(const struct root *root, const char *folder, unsigned level,
                   struct initramfs_files *files, struct error *err) {
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
        bool is_plain = entry->d_type == DT_REG && !is_image_name(entry->d_name);
        if (!is_plain && entry->d_type != DT_LNK && strcmp(entry->d_name, ".") &&
            strcmp(entry->d_name, ".."))
            rc = visit(root, fd, folder, entry->d_name, level, files, err);
    }
    if (!rc && errno)
        rc = error_io(err, errno, "can't read %s%s", root->path, folder);
    return rc;
}

static int compare(const void *a, const void *b) {
    return strcmp(((const struct initramfs_file *)a)->path,
                  ((const struct initramfs_file *)b)->path);
}

int initramfs_files_find(const struct root *root, struct initramfs_files *files,
                         struct error *err) {
    struct stat st;
    if (root_stat_following(root, BOOT, &st) || !S_ISDIR(st.st_mode))
        return 0;
    int rc = find_in(root, BOOT, 1, files, err);
    if (!rc && files->count)
        qsort(files->items, files->count, sizeof *files->items, compare);
    return rc;
}

static const struct initramfs_file *find_recorded(const struct initramfs_files *recorded,
                                                  const char *path) {
    for (size_t i = 0; i < recorded->count; i++)
        if (!strcmp(recorded->items[i].path, path))
            return &recorded->items[i];
    return NULL;
}

static bool is_same_writing(const struct initramfs_file *a, const struct initramfs_file *b) {
    return a->inode == b->inode && a->ctime_ns == b->ctime_ns && a->size == b->size;
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
