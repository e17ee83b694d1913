#include "builder/userspace_libraries.h"

#include <elf.h>
#include <string.h>

#include "kmod/system/shared_libraries.h"

/* A program or shared library, as its first bytes say; e_type is in the file's own byte order, and
 * what it says has one byte that is not zero. */
static bool is_loadable(int fd) {
    unsigned char start[EI_NIDENT + 2];
    if (pread(fd, start, sizeof start, 0) != sizeof start || memcmp(start, ELFMAG, SELFMAG))
        return false;
    int type = start[EI_NIDENT] | start[EI_NIDENT + 1];
    return type == ET_EXEC || type == ET_DYN;
}

static int check_item(const struct root *root, const char *path, struct error *err) {
    struct stat st;
    AUTO_CLOSE int fd = -1;
    if (root_stat(root, path, &st) || !S_ISREG(st.st_mode) || strstr(path, "/firmware/"))
        return 0;
    int rc = root_open_file(root, path, &fd, err);
    return rc || !is_loadable(fd) ? rc : shared_libraries_check(root, fd, path, err);
}

int userspace_libraries_check(const struct root *root, const struct placing *placing,
                              struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < placing->count; i++)
        if (placing->items[i].kind == PLACING_COPY)
            rc = check_item(root, placing->items[i].path, err);
    return rc ? error_wrap(err, rc, "--userspace") : 0;
}
