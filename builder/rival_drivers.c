#include "builder/rival_drivers.h"

#include "base/log.h"
#include "kmod/system/modprobe_blacklist.h"
#include "kmod/system/module_lookup.h"

static const char *const rivals[] = {"nouveau", "nova_core"};

static int check_rival(const struct root *root, const char *kernel,
                       const struct userspace *userspace, const char *rival, struct error *err) {
    bool listed = false, present = false;
    int rc = modprobe_blacklist_has(&userspace->tree, rival, &listed, err);
    if (!rc && !listed)
        rc = modprobe_blacklist_has(root, rival, &listed, err);
    if (!rc && !listed)
        rc = module_lookup_resolves(root, kernel, rival, &present, err);
    if (rc || listed)
        return rc;
    if (present)
        return error_set(err, ERROR_REFUSED, EBUSY,
                         "the kernel %s of %s/ has %s, which would take the GPU before the baked "
                         "driver does: have a file in etc/modprobe.d of --userspace say 'blacklist "
                         "%s'",
                         kernel, root->path, rival, rival);
    log_warning("neither --userspace nor %s/ blacklists %s; %s has no such module, but a later "
                "kernel may, and it would take the GPU before the baked driver does",
                root->path, rival, kernel);
    return 0;
}

int rival_drivers_check(const struct root *root, const char *kernel,
                        const struct userspace *userspace, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < ARRAY_SIZE(rivals); i++)
        rc = check_rival(root, kernel, userspace, rivals[i], err);
    return rc;
}
