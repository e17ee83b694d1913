#include "kmod/lifecycle/lock.h"

#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "base/timestamp.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/dkms_tree.h"

#define NS_PER_SECOND INT64_C(1000000000)
#define RETRY_NS (20 * 1000 * 1000)
#define REPLACED_MAX 100 /* a folder that keeps changing under us is not waited for */

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return timestamp_ns(now);
}

/*
 * The pid that holds the flock on this inode, 0 when not found. proc_locks(5):
 *
 *     1: FLOCK  ADVISORY  WRITE 708 08:01:13891 0 EOF
 *
 * device numbers in hexadecimal, inode in decimal. A line with "->" is one that waits. On file
 * systems whose st_dev is not the one in the list (btrfs, overlay) nothing is found.
 */
static long find_holder(const struct stat *folder) {
    AUTO_FCLOSE FILE *locks = fopen("/proc/locks", "re");
    char line[256];
    while (locks && fgets(line, sizeof line, locks)) {
        long pid;
        unsigned dev_major, dev_minor;
        uintmax_t inode;
        if (sscanf(line, "%*u: FLOCK %*s %*s %ld %x:%x:%ju", &pid, &dev_major, &dev_minor,
                   &inode) == 4 &&
            inode == folder->st_ino && makedev(dev_major, dev_minor) == folder->st_dev)
            return pid;
    }
    return 0;
}

/* A folder that is locked, and until when its lock is waited for. */
struct wanted {
    const struct root *root;
    const char *folder;
    unsigned seconds;
    int64_t deadline;
};

static struct wanted wanted_now(const struct root *root, const char *folder, unsigned seconds) {
    return (struct wanted){root, folder, seconds, now_ns() + seconds * NS_PER_SECOND};
}

static int report_locked(const struct wanted *wanted, int fd, struct error *err) {
    struct stat st;
    long pid = fstat(fd, &st) ? 0 : find_holder(&st);
    char holder[64] = "another process";
    if (pid > 0)
        snprintf(holder, sizeof holder, "process %ld", pid);
    return error_set(err, ERROR_LOCKED, EWOULDBLOCK,
                     "%s%s is locked by %s and was not free within %u s; wait for it to end and "
                     "run the command again",
                     wanted->root->path, wanted->folder, holder, wanted->seconds);
}

static int lock_descriptor(const struct wanted *wanted, int fd, struct error *err) {
    while (flock(fd, LOCK_EX | LOCK_NB)) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return error_io(err, errno, "can't lock %s%s", wanted->root->path, wanted->folder);
        int rc = interrupt_check(err);
        if (rc)
            return rc;
        if (now_ns() >= wanted->deadline)
            return report_locked(wanted, fd, err);
        nanosleep(&(struct timespec){.tv_nsec = RETRY_NS}, NULL);
    }
    return 0;
}

/* Whether the path still leads to the folder that was locked: its holder may have removed it. */
static bool is_current(const struct wanted *wanted, int fd) {
    struct stat held, now;
    return !fstat(fd, &held) && !root_stat(wanted->root, wanted->folder, &now) &&
           held.st_dev == now.st_dev && held.st_ino == now.st_ino;
}

/* One try: −ESTALE when the folder was removed or replaced meanwhile. */
static int take_current(const struct wanted *wanted, struct lock *lock, struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = state_folder_open(wanted->root, &fd, err);
    if (!rc)
        rc = lock_descriptor(wanted, fd, err);
    if (rc)
        return rc;
    if (!is_current(wanted, fd))
        return -ESTALE;
    /* Only who holds the lock publishes in the folder. */
    rc = file_remove_temporaries(wanted->root, STATE_FOLDER, NULL, err);
    if (rc)
        return rc;
    lock->fd = STEAL_FD(fd);
    return 0;
}

static int report_replaced(const struct root *root, struct error *err) {
    return error_set(err, ERROR_LOCKED, ESTALE,
                     "%s%s is removed or replaced again and again while it is being locked; run "
                     "the command again when nothing else changes it",
                     root->path, STATE_FOLDER);
}

int lock_take(const struct root *root, unsigned seconds, struct lock *lock, struct error *err) {
    const struct wanted wanted = wanted_now(root, STATE_FOLDER, seconds);
    for (int tries = 0; tries < REPLACED_MAX; tries++) {
        int rc = take_current(&wanted, lock, err);
        if (rc != -ESTALE)
            return rc;
    }
    return report_replaced(root, err);
}

int lock_take_making(const struct root *root, unsigned seconds, struct strlist *created,
                     struct lock *lock, struct error *err) {
    const struct wanted wanted = wanted_now(root, STATE_FOLDER, seconds);
    for (int tries = 0; tries < REPLACED_MAX; tries++) {
        int rc = state_folder_make(root, created, err);
        if (!rc)
            rc = take_current(&wanted, lock, err);
        /* −ENOENT: a purge removed it between the two steps. */
        if (rc != -ESTALE && rc != -ENOENT)
            return rc;
    }
    return report_replaced(root, err);
}

int lock_take_dkms(const struct root *root, unsigned seconds, struct lock *lock,
                   struct error *err) {
    const struct wanted wanted = wanted_now(root, DKMS_TREE, seconds);
    if (!root_is_directory(root, DKMS_TREE))
        return -ENOENT;
    AUTO_CLOSE int fd = -1;
    int rc = root_open_dir(root, DKMS_TREE, &fd, err);
    if (!rc)
        rc = lock_descriptor(&wanted, fd, err);
    if (!rc)
        lock->fd = STEAL_FD(fd);
    return rc;
}

void lock_release(struct lock *lock) {
    cleanup_close(&lock->fd);
    lock->fd = -1;
}
