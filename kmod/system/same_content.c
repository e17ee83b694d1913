#include "kmod/system/same_content.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define BLOCK_SIZE (64 * 1024)

/* −ENOENT, without a sentence, for what is no regular file. */
static int open_regular(int folder, const char *name, int *fd, off_t *size, struct error *err) {
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW))
        return errno == ENOENT ? -ENOENT : error_io(err, errno, "can't look at %s", name);
    if (!S_ISREG(st.st_mode))
        return -ENOENT;
    *fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd < 0)
        return errno == ENOENT ? -ENOENT : error_io(err, errno, "can't open %s", name);
    *size = st.st_size;
    return 0;
}

static int compare(int one, int other, off_t size, const char *name, bool *same,
                   struct error *err) {
    static _Thread_local uint8_t blocks[2][BLOCK_SIZE];
    *same = true;
    for (off_t offset = 0; *same && offset < size;) {
        size_t wanted = size - offset < BLOCK_SIZE ? (size_t)(size - offset) : BLOCK_SIZE;
        ssize_t first = file_read_at(one, blocks[0], wanted, offset);
        ssize_t second = first < 0 ? first : file_read_at(other, blocks[1], wanted, offset);
        if (second < 0)
            return error_io(err, (int)-second, "can't read %s", name);
        /* Both are as long as they were said to be, or they are being changed. */
        *same = (size_t)first == wanted && (size_t)second == wanted &&
                !memcmp(blocks[0], blocks[1], wanted);
        offset += first;
    }
    return 0;
}

int same_content(int folder, const char *name, int other_folder, const char *other_name, bool *same,
                 struct error *err) {
    AUTO_CLOSE int one = -1;
    AUTO_CLOSE int other = -1;
    off_t size = 0, other_size = 0;
    *same = false;
    int rc = open_regular(folder, name, &one, &size, err);
    if (!rc)
        rc = open_regular(other_folder, other_name, &other, &other_size, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    return size == other_size ? compare(one, other, size, name, same, err) : 0;
}
