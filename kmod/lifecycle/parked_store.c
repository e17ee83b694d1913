#include "kmod/lifecycle/parked_store.h"

#include <string.h>

#include "kmod/system/replica.h"

char *parked_store_path(const char *path) {
    char *kept = NULL;
    return asprintf(&kept, PARKED_STORE "%s", path) < 0 ? NULL : kept;
}

bool parked_store_is_home(const struct facts *facts) {
    return facts->layout && !strcmp(facts->layout, FACTS_PARKED);
}

char *parked_store_module_path(const struct facts *facts, const struct facts_module *module) {
    return parked_store_is_home(facts) ? parked_store_path(module->path) : strdup(module->path);
}

int parked_store_manifest(const struct manifest *manifest, struct manifest *parked,
                          struct error *err) {
    AUTO_MANIFEST struct manifest made = {0};
    int rc = 0;
    for (size_t i = 0; !rc && i < manifest->count; i++) {
        AUTO_FREE char *path = parked_store_path(manifest->entries[i].path);
        if (!path)
            return error_oom(err, "looking at what is parked");
        struct manifest_entry entry = manifest->entries[i];
        entry.path = path;
        entry.mode &= (mode_t)~REPLICA_PRIVILEGED;
        rc = manifest_add(&made, &entry, err);
    }
    if (rc)
        return rc;
    *parked = made;
    made = (struct manifest){0};
    return 0;
}
