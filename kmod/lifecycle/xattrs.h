/* Extended attributes of one path: file capabilities, security labels, ACLs, user attributes. */
#ifndef KMOD_XATTRS_H
#define KMOD_XATTRS_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/root.h"

#define XATTRS_MAX 64         /* of one path */
#define XATTRS_SIZE_MAX 65536 /* of one value, the kernel's own limit */

struct xattr {
    char *name;
    uint8_t *value; /* NULL when size is 0 */
    size_t size;
};

struct xattrs {
    struct xattr *items; /* by name */
    size_t count;
};

/*
 * Reads all of `path` beneath the root, which may be a link itself. A file system without extended
 * attributes has none. ERROR_REFUSED for more than XATTRS_MAX.
 */
int xattrs_read(const struct root *root, const char *path, struct xattrs *out,
                struct error *err) MUST_CHECK;

/* The same of `name` in an open folder. 0 or −errno, −E2BIG for more than XATTRS_MAX. */
int xattrs_read_at(int folder, const char *name, struct xattrs *out) MUST_CHECK;

/* Adds a copy. 0 or −ENOMEM. */
int xattrs_add(struct xattrs *list, const char *name, const void *value, size_t size) MUST_CHECK;

/* Sets each on the open file or directory. 0 or −errno. */
int xattrs_set(int fd, const struct xattrs *list) MUST_CHECK;

void xattrs_release(struct xattrs *list);
#define AUTO_XATTRS AUTO(xattrs_release)

#endif
