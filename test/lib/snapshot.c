/*
 * snapshot ROOT [--exclude PATH]…
 *
 * Prints one line for every path below ROOT, sorted, so that two trees are equal exactly when their
 * snapshots are: type, mode, owner, size, modification time (not of directories), link target,
 * device number, hard-link group (its first path, and the count), extended attributes, SHA-256.
 *
 * Deliberately independent of the code that it judges: libc and libcrypto only.
 */
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <search.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define EXCLUDES_MAX 16

/* Regular files that have several names: the first path seen stands for all of them. */
struct hard_link {
    dev_t device;
    ino_t inode;
    char *first;
};

static const char *excludes[EXCLUDES_MAX];
static int exclude_count;
static void *hard_links;

static void *check(void *pointer) {
    if (!pointer) {
        err(1, "out of memory");
    }
    return pointer;
}

static bool is_excluded(const char *path) {
    for (int i = 0; i < exclude_count; i++) {
        if (strcmp(path, excludes[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* White space, backslashes and what is not printable ASCII become \ooo: a line stays a line. */
static void print_escaped(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte > ' ' && byte < 0x7f && byte != '\\') {
            putchar(byte);
        } else {
            printf("\\%03o", byte);
        }
    }
}

static void print_hex(const unsigned char *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        printf("%02x", bytes[i]);
    }
}

static int compare_links(const void *left, const void *right) {
    const struct hard_link *a = left, *b = right;
    if (a->device != b->device) {
        return a->device < b->device ? -1 : 1;
    }
    return a->inode < b->inode ? -1 : a->inode > b->inode;
}

static void print_hard_link(const char *path, const struct stat *st) {
    struct hard_link *link = check(malloc(sizeof(*link)));
    *link = (struct hard_link){st->st_dev, st->st_ino, check(strdup(path))};
    struct hard_link *known =
        *(struct hard_link **)check(tsearch(link, &hard_links, compare_links));
    printf(" links=%ju same=", (uintmax_t)st->st_nlink);
    print_escaped(known->first, strlen(known->first));
    if (known != link) {
        free(link->first);
        free(link);
    }
}

static void print_digest(int dir, const char *name, const char *path) {
    static char block[1 << 16];
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    ssize_t got = 0;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
    EVP_MD_CTX *context = check(EVP_MD_CTX_new());
    if (fd < 0 || !EVP_DigestInit_ex(context, EVP_sha256(), NULL)) {
        err(1, "%s", path);
    }
    while ((got = read(fd, block, sizeof(block))) > 0) {
        EVP_DigestUpdate(context, block, (size_t)got);
    }
    if (got < 0 || !EVP_DigestFinal_ex(context, digest, &size)) {
        err(1, "%s", path);
    }
    EVP_MD_CTX_free(context);
    close(fd);
    printf(" sha256=");
    print_hex(digest, size);
}

static void print_target(int dir, const char *name, const char *path) {
    char target[4096];
    ssize_t size = readlinkat(dir, name, target, sizeof(target));
    if (size < 0) {
        err(1, "%s", path);
    }
    printf(" target=");
    print_escaped(target, (size_t)size);
}

static int compare_names(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Attributes have no order of their own: sorted by name. */
static void print_xattrs(const char *host_path) {
    static char list[1 << 16], value[1 << 16];
    const char *names[1024];
    size_t count = 0;
    ssize_t size = llistxattr(host_path, list, sizeof(list));
    if (size < 0) {
        err(1, "%s: extended attributes", host_path);
    }
    for (char *name = list; name < list + size && count < 1024; name += strlen(name) + 1) {
        names[count++] = name;
    }
    qsort(names, count, sizeof(*names), compare_names);
    for (size_t i = 0; i < count; i++) {
        ssize_t length = lgetxattr(host_path, names[i], value, sizeof(value));
        if (length < 0) {
            err(1, "%s: attribute %s", host_path, names[i]);
        }
        printf(" xattr.");
        print_escaped(names[i], strlen(names[i]));
        putchar('=');
        print_hex((unsigned char *)value, (size_t)length);
    }
}

static char type_letter(mode_t mode) {
    switch (mode & S_IFMT) {
    case S_IFREG:
        return 'f';
    case S_IFDIR:
        return 'd';
    case S_IFLNK:
        return 'l';
    case S_IFCHR:
        return 'c';
    case S_IFBLK:
        return 'b';
    case S_IFIFO:
        return 'p';
    default:
        return 's';
    }
}

static void print_entry(int dir, const char *name, const char *host_path, const char *path,
                        const struct stat *st) {
    print_escaped(path, strlen(path));
    printf(" type=%c mode=%04o owner=%u:%u", type_letter(st->st_mode), st->st_mode & 07777u,
           st->st_uid, st->st_gid);
    if (!S_ISDIR(st->st_mode)) {
        printf(" mtime=%jd.%09ld", (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    }
    if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
        print_hard_link(path, st);
    }
    if (S_ISREG(st->st_mode)) {
        printf(" size=%jd", (intmax_t)st->st_size);
        print_digest(dir, name, path);
    } else if (S_ISLNK(st->st_mode)) {
        print_target(dir, name, path);
    } else if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
        printf(" device=%u:%u", major(st->st_rdev), minor(st->st_rdev));
    }
    print_xattrs(host_path);
    putchar('\n');
}

static int visible(const struct dirent *entry) {
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int by_name(const struct dirent **left, const struct dirent **right) {
    return strcmp((*left)->d_name, (*right)->d_name);
}

/* `path` is the directory inside the root: "" for the root itself. */
static void print_tree(const char *host_path, const char *path) {
    struct dirent **entries = NULL;
    int dir = open(host_path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int count = scandir(host_path, &entries, visible, by_name);
    if (dir < 0 || count < 0) {
        err(1, "%s", host_path);
    }
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char *inside = NULL, *outside = NULL;
        struct stat st;
        if (asprintf(&inside, "%s/%s", path, name) < 0 ||
            asprintf(&outside, "%s/%s", host_path, name) < 0 ||
            fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
            err(1, "%s/%s", host_path, name);
        }
        if (!is_excluded(inside)) {
            print_entry(dir, name, outside, inside, &st);
            if (S_ISDIR(st.st_mode)) {
                print_tree(outside, inside);
            }
        }
        free(inside);
        free(outside);
        free(entries[i]);
    }
    free(entries);
    close(dir);
}

static void free_link(void *node) {
    struct hard_link *link = node;
    free(link->first);
    free(link);
}

int main(int argc, char **argv) {
    if (argc < 2 || argc % 2 != 0) {
        errx(2, "usage: snapshot ROOT [--exclude PATH]…");
    }
    for (int i = 2; i < argc; i += 2) {
        if (strcmp(argv[i], "--exclude") != 0 || exclude_count == EXCLUDES_MAX) {
            errx(2, "usage: snapshot ROOT [--exclude PATH]…");
        }
        excludes[exclude_count++] = argv[i + 1];
    }
    struct stat st;
    if (lstat(argv[1], &st) != 0) {
        err(1, "%s", argv[1]);
    }
    print_entry(-1, "", argv[1], "/", &st);
    print_tree(argv[1], "");
    tdestroy(hard_links, free_link);
    return fflush(stdout) == 0 ? 0 : 1;
}
