#include "kmod/lifecycle/durability.h"

#include "base/file.h"
#include "kmod/lifecycle/state_folder.h"

static const char *const folders[] = {"/",    "/usr", "/usr/local", "/lib/modules", "/boot",
                                      "/etc", "/opt", "/var",       STATE_FOLDER};

/* Each once, but for the first `count` of `synced`. */
static int sync_folders(const struct root *root, dev_t synced[static ARRAY_SIZE(folders) + 1],
                        size_t count, struct error *err) {
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        struct stat st;
        if (root_stat_following(root, folders[i], &st))
            continue;
        size_t known = 0;
        while (known < count && synced[known] != st.st_dev)
            known++;
        if (known < count)
            continue;
        int rc = file_sync_fs(root, folders[i], err);
        if (rc)
            return rc;
        synced[count++] = st.st_dev;
    }
    return 0;
}

int durability_sync(const struct root *root, struct error *err) {
    dev_t synced[ARRAY_SIZE(folders) + 1];
    return sync_folders(root, synced, 0, err);
}

int durability_sync_others(const struct root *root, struct error *err) {
    dev_t synced[ARRAY_SIZE(folders) + 1];
    struct stat st;
    int rc = root_stat(root, STATE_FOLDER, &st);
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, STATE_FOLDER);
    synced[0] = st.st_dev;
    return sync_folders(root, synced, 1, err);
}
