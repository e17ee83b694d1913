#include "kmod/lifecycle/node_place.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "kmod/system/package_owner.h"

/* Every prebake-node has these bytes, because this file is a part of it. */
static const char sign[] = "prebake-node: uses or erases a bake of kernel modules";

int node_place_is_packaged(const struct root *root, bool *packaged, struct error *err) {
    AUTO_STRLIST struct strlist place = {0}, owned = {0};
    *packaged = false;
    if (strlist_add(&place, NODE_PLACE_PATH))
        return error_oom(err, "looking for packages");
    int rc = package_owner_find(root, &place, &owned, err);
    if (rc == -ENOTSUP)
        return 0;
    *packaged = owned.count > 0;
    return rc;
}

static int stays(const struct root *root, const char *reason) {
    log_warning("%s" NODE_PLACE_PATH " stays: %s", root->path, reason);
    return 0;
}

int node_place_clear(const struct root *root, struct error *err) {
    struct stat st;
    int rc = root_stat(root, NODE_PLACE_PATH, &st);
    if (rc)
        return rc == -ENOENT ? 0
                             : error_io(err, -rc, "can't look at %s" NODE_PLACE_PATH, root->path);
    if (!S_ISREG(st.st_mode) || st.st_uid != 0)
        return stays(root, "no bake put it there, it is not a file of root's");
    AUTO_BUFFER struct buffer content = {0};
    rc = file_read(root, NODE_PLACE_PATH, NODE_PLACE_SIZE_MAX, &content, err);
    if (rc)
        return rc;
    if (!memmem(content.data, content.size, sign, sizeof sign))
        return stays(root, "no bake put it there, it is another program");
    bool packaged;
    rc = node_place_is_packaged(root, &packaged, err);
    if (rc)
        return rc;
    return packaged ? stays(root, "it belongs to a package, which is removed with the package "
                                  "manager")
                    : file_remove(root, NODE_PLACE_PATH, err);
}
