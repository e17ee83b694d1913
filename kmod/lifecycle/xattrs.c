#include "kmod/lifecycle/xattrs.h"

#include <limits.h>
#include <string.h>
#include <sys/xattr.h>

int xattrs_add(struct xattrs *list, const char *name, const void *value, size_t size) {
    struct xattr *grown = reallocarray(list->items, list->count + 1, sizeof *grown);
    if (!grown)
        return -ENOMEM;
    list->items = grown;
    struct xattr added = {.name = strdup(name), .value = size ? malloc(size) : NULL, .size = size};
    if (!added.name || (size && !added.value)) {
        free(added.name);
        free(added.value);
        return -ENOMEM;
    }
    if (size)
        memcpy(added.value, value, size);
    list->items[list->count++] = added;
    return 0;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct xattr *)a)->name, ((const struct xattr *)b)->name);
}

/* All names of `place`, each with its NUL. */
static ssize_t list_names(const char *place, char **names) {
    AUTO_FREE char *list = malloc(XATTR_LIST_MAX);
    if (!list)
        return -ENOMEM;
    ssize_t size = llistxattr(place, list, XATTR_LIST_MAX);
    if (size < 0)
        return errno == ENOTSUP ? 0 : -errno;
    *names = STEAL(list);
    return size;
}

static int add_all(const char *place, const char *names, size_t size, struct xattrs *out) {
    AUTO_FREE uint8_t *value = malloc(XATTRS_SIZE_MAX);
    if (!value)
        return -ENOMEM;
    for (const char *name = names; name < names + size; name += strlen(name) + 1) {
        if (out->count == XATTRS_MAX)
            return -E2BIG;
        ssize_t got = lgetxattr(place, name, value, XATTRS_SIZE_MAX);
        if (got < 0)
            return -errno;
        int rc = xattrs_add(out, name, value, (size_t)got);
        if (rc)
            return rc;
    }
    return 0;
}

int xattrs_read_at(int folder, const char *name, struct xattrs *out) {
    /* There is no call that takes a folder's descriptor and a name and follows no link. */
    char place[64 + NAME_MAX];
    snprintf(place, sizeof place, "/proc/self/fd/%d/%s", folder, name);
    AUTO_XATTRS struct xattrs list = {0};
    AUTO_FREE char *names = NULL;
    ssize_t size = list_names(place, &names);
    int rc = size > 0 ? add_all(place, names, (size_t)size, &list) : (int)size;
    if (rc)
        return rc;
    if (list.count)
        qsort(list.items, list.count, sizeof *list.items, compare_names);
    *out = list;
    list = (struct xattrs){0};
    return 0;
}

int xattrs_read(const struct root *root, const char *path, struct xattrs *out, struct error *err) {
    AUTO_CLOSE int parent = -1;
    const char *name;
    int rc = root_open_parent(root, path, &parent, &name, err);
    if (rc)
        return rc;
    rc = xattrs_read_at(parent, name, out);
    if (rc == -E2BIG)
        return error_set(err, ERROR_REFUSED, E2BIG, "%s%s has more than %d extended attributes",
                         root->path, path, XATTRS_MAX);
    if (rc)
        return error_io(err, -rc, "can't read the extended attributes of %s%s", root->path, path);
    return 0;
}

int xattrs_set(int fd, const struct xattrs *list) {
    for (size_t i = 0; i < list->count; i++) {
        const struct xattr *attribute = &list->items[i];
        const void *value = attribute->size ? (const void *)attribute->value : "";
        if (fsetxattr(fd, attribute->name, value, attribute->size, 0))
            return -errno;
    }
    return 0;
}

void xattrs_release(struct xattrs *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].name);
        free(list->items[i].value);
    }
    free(list->items);
    *list = (struct xattrs){0};
}
