#include "toolchain/workplace.h"

#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "base/root.h"
#include "base/tree.h"
#include "toolchain/confine.h"

const char *workplace_dkms_tree(void) {
    return confine_has_namespaces() ? "/var/lib/dkms" : "/var/cache/prebake";
}

/* In `work_dir`, or in a private folder of its own. */
static int open_private(const char *work_dir, struct workplace *place, struct error *err) {
    if (!work_dir) {
        int rc = temporary_make(NULL, &place->temporary, err);
        if (rc)
            return rc;
        work_dir = place->temporary.path;
    }
    if (asprintf(&place->path, "%s/%s", work_dir, place->name) < 0)
        return error_oom(err, "preparing a build directory");
    place->parent = open(work_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return place->parent < 0 ? error_io(err, errno, "can't open %s", work_dir) : 0;
}

/* At the wished path itself; its parents let the build's user pass. */
static int open_in_place(struct workplace *place, struct error *err) {
    AUTO_ROOT struct root host = ROOT_INIT;
    int rc = root_open(&host, "/", err);
    AUTO_FREE char *parent =
        strndup(place->inside, (size_t)(strrchr(place->inside, '/') - place->inside));
    place->path = strdup(place->inside);
    if (!rc && (!parent || !place->path))
        rc = error_oom(err, "preparing a build directory");
    if (!rc)
        rc = root_make_dirs(&host, parent, 0711, &place->created, err);
    return rc ? rc : root_open_dir(&host, parent, &place->parent, err);
}

int workplace_open(const char *work_dir, const char *below, struct workplace *place,
                   struct error *err) {
    *place = (struct workplace)WORKPLACE_INIT;
    if (asprintf(&place->inside, "%s/%s", workplace_dkms_tree(), below) < 0)
        return error_oom(err, "preparing a build directory");
    place->name = strrchr(place->inside, '/') + 1;
    int rc =
        confine_has_namespaces() ? open_private(work_dir, place, err) : open_in_place(place, err);
    if (!rc)
        rc = tree_remove(place->parent, place->name, err);
    if (rc)
        workplace_close(place);
    return rc;
}

void workplace_close(struct workplace *place) {
    struct error err = {0};
    if (place->parent >= 0 && tree_remove(place->parent, place->name, &err))
        log_warning("the build directory %s stays: %s", place->path, err.text);
    for (size_t i = place->created.count; i-- > 0;)
        rmdir(place->created.items[i]);
    temporary_remove(&place->temporary);
    strlist_release(&place->created);
    cleanup_close(&place->parent);
    free(place->path);
    free(place->inside);
    *place = (struct workplace)WORKPLACE_INIT;
}
