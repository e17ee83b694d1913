#include "kmod/lifecycle/registration.h"

#include <string.h>

#include "kmod/system/dkms_tree.h"
#include "kmod/system/module_lookup.h"

bool registration_present(const struct root *root, const struct facts *facts) {
    const struct facts_dkms *dkms = &facts->dkms;
    struct error ignored = {0};
    for (size_t i = 0; dkms->name && *dkms->name && i < dkms->kernels.count; i++) {
        enum dkms_state state = DKMS_ABSENT;
        if (dkms_tree_state(root, dkms->name, dkms->version, dkms->kernels.items[i], dkms->machine,
                            &state, &ignored) == 0 &&
            state >= DKMS_BUILT)
            return true;
    }
    return false;
}

/* The index knows a module by its file's name: "nvidia-current-open.ko.xz" → nvidia-current-open.
 */
static bool resolves(const struct root *root, const char *kernel,
                     const struct facts_module *module) {
    const char *base = strrchr(module->path, '/');
    AUTO_FREE char *name = base ? strndup(base + 1, strcspn(base + 1, ".")) : NULL;
    struct error ignored = {0};
    bool found = false;
    return name && module_lookup_resolves(root, kernel, name, &found, &ignored) == 0 && found;
}

bool registration_resolves(const struct root *root, const struct facts *facts, bool all) {
    for (size_t m = 0; m < facts->module_count; m++)
        for (size_t i = 0; i < facts->index_count; i++)
            if (resolves(root, facts->indexes[i].kernel, &facts->modules[m]) != all)
                return !all;
    return all && facts->module_count > 0 && facts->index_count > 0;
}

bool registration_resolves_in(const struct root *root, const struct facts *facts,
                              const char *kernel) {
    for (size_t m = 0; m < facts->module_count; m++)
        if (!resolves(root, kernel, &facts->modules[m]))
            return false;
    return facts->module_count > 0;
}
