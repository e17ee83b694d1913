#include "toolchain/containment.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/beneath.h"

#define DEPTH_MAX 64 /* as deep as base/tree.h walks */

static bool is_dotdot(const char *component, size_t length) {
    return length == 2 && component[0] == '.' && component[1] == '.';
}

static bool is_nothing(const char *component, size_t length) {
    return length == 0 || (length == 1 && component[0] == '.');
}

int containment_normalise(const char *raw, char **path) {
    if (raw[0] == '/')
        return -EXDEV;
    if (strlen(raw) >= PATH_MAX)
        return -ENAMETOOLONG;
    AUTO_FREE char *out = calloc(1, strlen(raw) + 2);
    if (!out)
        return -ENOMEM;
    size_t used = 0, depth = 0;
    for (const char *at = raw; *at; at += *at == '/') {
        size_t length = strcspn(at, "/");
        if (is_dotdot(at, length))
            return -EXDEV;
        if (!is_nothing(at, length)) {
            if (length > NAME_MAX || ++depth > DEPTH_MAX)
                return -ENAMETOOLONG;
            out[used] = '/';
            memcpy(out + used + (used > 0), at, length);
            used += length + (used > 0);
        }
        at += length;
    }
    out[used] = '\0';
    *path = STEAL(out);
    return 0;
}

/* Opens the directory `component` of `*at` in its place. */
static int descend(int *at, const char *component, bool create) {
    int flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int next = openat(*at, component, flags);
    if (next < 0 && errno == ENOENT && create) {
        if (mkdirat(*at, component, 0700) || fchmodat(*at, component, 0755, 0))
            return -errno;
        next = openat(*at, component, flags);
    }
    if (next < 0)
        return -errno;
    close(*at);
    *at = next;
    return 0;
}

int containment_open_folder(int top, const char *path, bool create, int *folder,
                            const char **name) {
    AUTO_CLOSE int at = openat(top, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (at < 0)
        return -errno;
    const char *rest = path;
    for (const char *slash; (slash = strchr(rest, '/')); rest = slash + 1) {
        char component[NAME_MAX + 1];
        snprintf(component, sizeof component, "%.*s", (int)(slash - rest), rest);
        int rc = descend(&at, component, create);
        if (rc)
            return rc;
    }
    *folder = STEAL_FD(at);
    *name = rest;
    return 0;
}

/* Follows the words of `target` from the folder of `path`; true when they climb above the top. */
static bool words_lead_out(const char *path, const char *target) {
    long depth = 0;
    for (const char *at = path; *at; at++)
        depth += *at == '/';
    for (const char *at = target; *at; at += *at == '/') {
        size_t length = strcspn(at, "/");
        if (is_dotdot(at, length))
            depth--;
        else if (!is_nothing(at, length))
            depth++;
        if (depth < 0)
            return true;
        at += length;
    }
    return false;
}

static bool kernel_leads_out(int top, const char *path) {
    AUTO_CLOSE int fd = beneath_resolve(top, path, O_PATH, RESOLVE_BENEATH);
    return fd == -EXDEV;
}

bool containment_link_leads_out(int top, const char *path, const char *target) {
    return target[0] == '\0' || target[0] == '/' || words_lead_out(path, target) ||
           kernel_leads_out(top, path);
}
