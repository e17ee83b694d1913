#include "kmod/lifecycle/durability.h"

#include "base/file.h"
#include "kmod/lifecycle/state_folder.h"

int durability_sync(const struct root *root, struct error *err) {
    static const char *const folders[] = {"/",    "/usr", "/usr/local", "/lib/modules", "/boot",
                                          "/etc", "/opt", "/var",       STATE_FOLDER};
    dev_t synced[ARRAY_SIZE(folders)];
    size_t count = 0;
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
