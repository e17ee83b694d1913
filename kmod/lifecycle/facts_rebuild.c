#include "kmod/lifecycle/facts_rebuild.h"

#include <string.h>

#include "kmod/lifecycle/removal.h"

static int copy(char **to, const char *from) {
    *to = strdup(from);
    return *to ? 0 : -ENOMEM;
}

static int fill_bake(const struct marker *marker, struct facts *facts) {
    struct facts_dkms *dkms = &facts->dkms;
    if (copy(&facts->kernel, marker->kernel) || copy(&facts->machine, marker->arch) ||
        copy(&facts->driver_kind, marker->driver_kind) || copy(&facts->module, marker->module) ||
        copy(&facts->driver_version, marker->driver_version))
        return -ENOMEM;
    if (copy(&dkms->name, marker->module) || copy(&dkms->version, marker->driver_version) ||
        copy(&dkms->machine, marker->arch))
        return -ENOMEM;
    return strlist_add(&dkms->kernels, marker->kernel);
}

static int add_module(struct facts *facts, const char *path) {
    struct facts_module *module = facts_add_module(facts);
    if (!module || copy(&module->path, path) || copy(&module->name, "") ||
        copy(&module->build_id, "") || copy(&module->srcversion, "") || copy(&module->signer, "") ||
        copy(&module->key_id, ""))
        return -ENOMEM;
    return 0;
}

static int find_compat_marker(const struct manifest *manifest, const struct marker *marker,
                              struct facts *facts) {
    AUTO_BUFFER struct buffer text = {0};
    char sha256[DIGEST_HEX_SIZE];
    if (marker_format_compat(marker, &text, NULL) || digest_bytes(text.data, text.size, sha256))
        return -ENOMEM;
    for (size_t i = 0; i < manifest->count; i++)
        if (!strcmp(manifest->entries[i].sha256, sha256))
            return copy(&facts->compat_marker, manifest->entries[i].path);
    return 0;
}

int facts_rebuild(const struct manifest *manifest, const struct marker *marker, struct facts *facts,
                  struct error *err) {
    int rc = fill_bake(marker, facts);
    if (!rc)
        rc = find_compat_marker(manifest, marker, facts);
    for (size_t i = 0; !rc && i < manifest->count; i++) {
        const struct manifest_entry *entry = &manifest->entries[i];
        if (entry->type == MANIFEST_FILE && removal_class_of(entry->path) == REMOVAL_MODULES)
            rc = add_module(facts, entry->path);
    }
    struct module_index *index = rc ? NULL : facts_add_index(facts);
    if (!index || copy(&index->kernel, marker->kernel))
        return error_oom(err, "telling facts from the manifest");
    return 0;
}
