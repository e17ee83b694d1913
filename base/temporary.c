#include "base/temporary.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/tree.h"

#define PREFIX "prebake-"
#define TOKEN_LENGTH 6 /* mkdtemp's XXXXXX */
#define TRIES_MAX 100

const char *temporary_base(void) {
    const char *base = secure_getenv("TMPDIR");
    return base && base[0] == '/' ? base : "/var/tmp";
}

static bool is_temporary(const char *name) {
    return !strncmp(name, PREFIX, strlen(PREFIX)) && strlen(name) == strlen(PREFIX) + TOKEN_LENGTH;
}

/* Whether the name still leads to the folder that is open. */
static bool is_at(int base, const char *name, const struct stat *folder) {
    struct stat now;
    return fstatat(base, name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_dev == folder->st_dev &&
           now.st_ino == folder->st_ino;
}

/* Opens and locks our folder `name`; −1 when it is another's, in use, or gone. */
static int lock_folder(int base, const char *name) {
    AUTO_CLOSE int fd = openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) || st.st_uid != geteuid() || flock(fd, LOCK_EX | LOCK_NB) ||
        !is_at(base, name, &st))
        return -1;
    return STEAL_FD(fd);
}

/* A leftover that can't be removed is no reason to fail. */
static void remove_left(int base) {
    int again = openat(base, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir) {
        cleanup_close(&again);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir));) {
        AUTO_CLOSE int lock = is_temporary(entry->d_name) ? lock_folder(base, entry->d_name) : -1;
        struct error err = {0};
        if (lock >= 0 && tree_remove(base, entry->d_name, &err))
            log_warning("%s", err.text);
    }
}

/* Between its making and its locking another run may take the folder for a leftover. */
int temporary_make(const char *base, struct temporary *temporary, struct error *err) {
    if (!base)
        base = temporary_base();
    *temporary = (struct temporary){0};
    AUTO_CLOSE int fd = open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't make a temporary folder in %s", base);
    remove_left(fd);
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        AUTO_FREE char *path = NULL;
        if (asprintf(&path, "%s/" PREFIX "XXXXXX", base) < 0)
            return error_oom(err, "making a temporary folder");
        if (!mkdtemp(path))
            return error_io(err, errno, "can't make a temporary folder in %s", base);
        int lock = lock_folder(fd, strrchr(path, '/') + 1);
        if (lock >= 0) {
            *temporary = (struct temporary){.path = STEAL(path), .lock = lock};
            return 0;
        }
    }
    return error_set(err, ERROR_INTERNAL, EAGAIN,
                     "temporary folders in %s vanish while they are made", base);
}

void temporary_keep(struct temporary *temporary) {
    if (temporary->path)
        close(temporary->lock);
    free(temporary->path);
    *temporary = (struct temporary){0};
}

void temporary_remove(struct temporary *temporary) {
    struct error err = {0};
    if (temporary->path && tree_remove(AT_FDCWD, temporary->path, &err))
        log_warning("%s", err.text);
    temporary_keep(temporary);
}
