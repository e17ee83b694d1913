#include "kmod/module/licence.h"

#include <string.h>

#include "base/cleanup.h"

bool licence_is_gpl_compatible(const char *licence) {
    static const char *const compatible[] = {
        "GPL",          "GPL v2",       "GPL and additional rights",
        "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL",
    };
    for (size_t i = 0; i < ARRAY_SIZE(compatible); i++)
        if (strcmp(licence, compatible[i]) == 0)
            return true;
    return false;
}

bool licence_allows_gpl_exports(const struct modinfo *modinfo) {
    const char *licence = modinfo_get(modinfo, "license");
    if (!licence)
        return false;
    for (; licence; licence = modinfo_next_value(modinfo, "license", licence))
        if (!licence_is_gpl_compatible(licence))
            return false;
    return true;
}
