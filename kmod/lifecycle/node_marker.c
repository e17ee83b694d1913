#include "kmod/lifecycle/node_marker.h"

#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/policy.h"
#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/state_folder.h"

/* A folder that others can write to says nothing, not even that there is no bake. */
static int find_own(const struct root *root, struct node_marker *marker, struct error *err) {
    AUTO_CLOSE int folder = -1;
    int rc = state_folder_open(root, &folder, err);
    if (!rc)
        rc = marker_read(root, &marker->values, err);
    marker->present = rc != -ENOENT;
    return rc == -ENOENT ? 0 : rc;
}

static int find_legacy(const struct root *root, const char *path, struct node_marker *marker,
                       struct error *err) {
    int rc = marker_read_legacy(root, path, &marker->values, err);
    marker->present = marker->legacy = rc != -ENOENT;
    if (!rc && bake_is_unfinished(root))
        rc = error_set(err, ERROR_DAMAGED, EBADMSG,
                       "%s%s is of a bake that did not come to its end", root->path, path);
    return rc == -ENOENT ? 0 : rc;
}

int node_marker_find(const struct root *root, const char *legacy_path, struct node_marker *marker,
                     struct error *err) {
    *marker = (struct node_marker){0};
    if (legacy_path && !safe_name_path(legacy_path))
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--legacy-marker takes an absolute path inside the root, not '%s'",
                         legacy_path);
    int rc = find_own(root, marker, err);
    return rc || marker->present || !legacy_path ? rc : find_legacy(root, legacy_path, marker, err);
}

const char *node_marker_kind(const struct node_marker *marker) {
    const char *kind = marker->values.driver_kind;
    if (marker->legacy && kind && !*kind)
        return policy_kind("cuda");
    return policy_kind(kind);
}

void node_marker_release(struct node_marker *marker) {
    marker_release(&marker->values);
    *marker = (struct node_marker){0};
}
