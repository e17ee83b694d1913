#include "builder/reserved_place.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "kmod/lifecycle/node_place.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/dkms_tree.h"
#include "kmod/system/loader_cache.h"

static const struct reserved_place reserved[] = {
    {"/lib/modules", "modules come from --source, where they are verified"},
    {"/usr/lib/modules", "modules come from --source, where they are verified"},
    {DKMS_TREE, "registering with DKMS is the bake's own work"},
    {STATE_FOLDER, "that folder is prebake's own"},
    {NODE_PLACE_PATH, "that program comes with prebake, and stays when the bake goes"},
    {LOADER_CACHE, "ldconfig makes it"},
    {"/dev", "what is there is made anew at every boot"},
    {"/proc", "what is there is made anew at every boot"},
    {"/run", "what is there is made anew at every boot"},
    {"/sys", "what is there is made anew at every boot"},
    {"/tmp", "what is there is made anew at every boot"},
};

const struct reserved_place *reserved_place_of(const char *path, const char *place) {
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
        if (path_is_in(path, reserved[i].path) || path_is_in(place, reserved[i].path))
            return &reserved[i];
    return NULL;
}
