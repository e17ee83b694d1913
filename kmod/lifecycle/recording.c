#include "kmod/lifecycle/recording.h"

#include "kmod/lifecycle/link_groups.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/transfer.h"

static int record_places(const struct root *root, const struct manifest *manifest,
                         struct facts *facts, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < manifest->count && i < facts->placed_count; i++) {
        xattrs_release(&facts->placed[i].xattrs);
        rc = facts_record_placed(root, manifest->entries[i].path, &facts->placed[i], err);
    }
    return rc ? rc : link_groups_find(root, manifest, facts, err);
}

int recording_renew(const struct root *root, const struct manifest *manifest, struct facts *facts,
                    struct error *err) {
    int rc = parked_store_is_home(facts) ? transfer_record(root, manifest, facts, true, false, err)
                                         : record_places(root, manifest, facts, err);
    return rc ? rc : facts_record_manifest(root, facts, err);
}
