#include "kmod/lifecycle/registration.h"

#include "kmod/system/dkms_tree.h"

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
