#include "kmod/lifecycle/bake_records.h"

#include <string.h>

#include "kmod/lifecycle/facts_read.h"
#include "kmod/lifecycle/manifest_read.h"
#include "kmod/lifecycle/state_folder.h"

#define WITHOUT_FACTS "'prebake-node teardown' works without them"

int bake_records_manifest(const struct root *root, const struct marker *marker,
                          struct manifest *manifest, struct error *err) {
    AUTO_MANIFEST struct manifest found = {0};
    char sha256[DIGEST_HEX_SIZE];
    int rc = manifest_read(root, &found, sha256, err);
    if (rc == -ENOENT)
        return error_set(err, ERROR_DAMAGED, ENOENT,
                         "%s" STATE_FOLDER_MARKER " says that this system carries a bake, but its "
                         "manifest is gone; nothing was removed",
                         root->path);
    if (!rc && strcmp(sha256, marker->manifest_sha256))
        rc = error_set(err, ERROR_REFUSED, EBADMSG,
                       "%s" STATE_FOLDER_MANIFEST " is not the manifest that the marker names; "
                       "nothing was removed",
                       root->path);
    if (rc)
        return rc;
    *manifest = found;
    found = (struct manifest){0};
    return 0;
}

int bake_records_facts(const struct root *root, const struct marker *marker, struct facts *facts,
                       struct error *err) {
    AUTO_FACTS struct facts found = {0};
    int rc = facts_read(root, &found, err);
    if (rc == -ENOENT)
        return error_set(err, ERROR_DAMAGED, ENOENT,
                         "%s" STATE_FOLDER_FACTS
                         ", the facts about the bake, are gone; " WITHOUT_FACTS,
                         root->path);
    if (!rc && strcmp(found.manifest.sha256, marker->manifest_sha256))
        rc = error_set(err, ERROR_DAMAGED, EBADMSG,
                       "%s" STATE_FOLDER_FACTS " are those of another bake; " WITHOUT_FACTS,
                       root->path);
    if (rc)
        return rc;
    *facts = found;
    found = (struct facts){0};
    return 0;
}
