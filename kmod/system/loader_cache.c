#include "kmod/system/loader_cache.h"

#include <stdbool.h>

#include "base/file.h"
#include "base/process.h"

/* What ldconfig read, for its next run to read less; written even when it is told not to believe
 * it.
 */
#define OWN_RECORD "/var/cache/ldconfig/aux-cache"

#define OUTPUT_MAX 512 /* of its words, for an error's sentence */

static int execute(const char *ldconfig, const char *folder, struct error *err) {
    const char *argv[] = {ldconfig, "-X", "-i", "-r", folder, NULL};
    AUTO_BUFFER struct buffer output = {0};
    struct process_spec spec = {.argv = argv, .output = &output, .output_max = OUTPUT_MAX};
    struct process_result result;
    int rc = process_run(&spec, &result, err);
    if (rc || result.exit_status == 0)
        return rc;
    return error_set(err, ERROR_DAMAGED, EIO, "ldconfig for %s ended with %s: %s", folder,
                     process_describe(&result), buffer_string(&output));
}

int loader_cache_refresh(const struct root *root, struct error *err) {
    if (!root_exists(root, LOADER_CACHE))
        return 0;
    AUTO_FREE char *ldconfig = NULL;
    bool had_record = root_exists(root, OWN_RECORD);
    int rc = process_find("ldconfig", &ldconfig, err);
    if (!rc)
        rc = execute(ldconfig, *root->path ? root->path : "/", err);
    return rc || had_record ? rc : file_remove(root, OWN_RECORD, err);
}
