#include "kmod/lifecycle/linked_modules.h"

static int is_baked(void *context, const char *target, bool *baked, struct error *err) {
    const struct removal *removal = context;
    const struct manifest_entry *entry = manifest_find(removal->manifest, target);
    *baked = false;
    if (!entry || entry->type == MANIFEST_DIR || removal_class_of(target) != REMOVAL_MODULES)
        return 0;
    enum ownership ownership;
    int rc = removal_ownership(removal, entry, &ownership, err);
    *baked = !rc && ownership != OWNERSHIP_FOREIGN;
    return rc;
}

int linked_modules_find(struct removal *removal, struct weak_links *links, struct error *err) {
    return weak_updates_find(removal->root, is_baked, removal, links, err);
}
