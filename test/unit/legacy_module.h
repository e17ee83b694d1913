/* Module files for tests of what a legacy image carries. */
#ifndef TEST_LEGACY_MODULE_H
#define TEST_LEGACY_MODULE_H

#include "base/root.h"

/* Makes `path` ("…/nvidia-drm.ko") a real object file whose .modinfo has `version` (NULL: none) and
 * whose build id is `build_id`, an even number of hex digits (NULL: none). */
void legacy_module_make(const struct root *root, const char *path, const char *version,
                        const char *build_id);

#endif
