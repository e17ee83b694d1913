#include "kmod/lifecycle/legacy_links.h"

#include <string.h>

#include "kmod/system/version_proof.h"

#define CHAIN_MAX 8 /* links that lead to links */

/* Takes the last component off. */
static void go_up(char *path) {
    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
}

/* The path that `target` means in the link `path`, by its text: NULL when out of memory. */
static char *meant_path(const char *path, const char *target) {
    AUTO_FREE char *rest = strdup(target);
    char *at = rest, *result = calloc(1, strlen(path) + strlen(target) + 2);
    if (!rest || !result) {
        free(result);
        return NULL;
    }
    if (*target != '/') {
        strcpy(result, path);
        go_up(result);
    }
    for (char *part; (part = strsep(&at, "/"));) {
        if (!strcmp(part, ".."))
            go_up(result);
        else if (*part && strcmp(part, ".") != 0)
            strcat(strcat(result, "/"), part);
    }
    return result;
}

static const char *last_component(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int prove(const struct root *root, const char *version, const struct legacy_paths *paths,
                 struct legacy_path *item, struct error *err) {
    AUTO_FREE char *target = NULL, *meant = NULL;
    int rc = root_read_link(root, item->path, &target);
    if (rc == -EINVAL || rc == -ENOENT)
        return 0;
    if (rc)
        return error_io(err, -rc, "can't read the link %s%s", root->path, item->path);
    meant = meant_path(item->path, target);
    if (!meant)
        return error_oom(err, "looking at links");
    const struct legacy_path *found = legacy_paths_find_ours(paths, meant);
    unsigned least = item->class == LEGACY_COPY ? LEGACY_COPY_RANK : 0;
    bool named =
        item->class != LEGACY_PROGRAM && version_proof_in_name(last_component(target), version);
    item->ours = found || named;
    item->rank = (found && found->rank > least ? found->rank : least) + 1;
    return 0;
}

int legacy_links_prove(const struct root *root, const char *version, struct legacy_paths *paths,
                       struct error *err) {
    bool changed = true;
    for (int pass = 0; changed && pass < CHAIN_MAX; pass++) {
        changed = false;
        for (size_t i = 0; i < paths->count; i++) {
            struct legacy_path *item = &paths->items[i];
            bool candidate = item->class == LEGACY_LIBRARY || item->class == LEGACY_COPY ||
                             item->class == LEGACY_PROGRAM;
            if (!candidate || item->ours || item->owned)
                continue;
            int rc = prove(root, version, paths, item, err);
            if (rc)
                return rc;
            changed |= item->ours;
        }
    }
    return 0;
}
