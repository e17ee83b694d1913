#include "builder/seal_checks.h"

#include <string.h>

#include "base/log.h"
#include "builder/node_program.h"
#include "builder/target.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/system/shared_libraries.h"

static int check_node_program(const struct root *root, struct error *err) {
    struct stat st;
    if (root_stat(root, NODE_PLACE_PATH, &st) || !S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
        return error_set(err, ERROR_DAMAGED, ENOENT,
                         "%s" NODE_PLACE_PATH " is gone, or no program: no node could erase the "
                         "bake. Copy prebake-node there and seal again",
                         root->path);
    AUTO_CLOSE int fd = -1;
    int rc = root_open_file(root, NODE_PLACE_PATH, &fd, err);
    return rc ? rc : shared_libraries_check(root, fd, NODE_PLACE_PATH, err);
}

static int check_symvers(const struct kernel_headers *headers, const struct facts *facts,
                         struct error *err) {
    char sha256[DIGEST_HEX_SIZE];
    if (digest_bytes(headers->symvers.data, headers->symvers.size, sha256))
        return error_oom(err, "reading Module.symvers");
    if (!strcmp(sha256, facts->symvers_sha256))
        return 0;
    return error_set(err, ERROR_DAMAGED, ENOEXEC,
                     "%s/Module.symvers is not the one of the bake: the kernel %s was updated "
                     "since. Run 'prebake-node teardown' and bake again",
                     headers->shown_dir, headers->release);
}

static int check_modules(const struct root *root, const struct facts *facts,
                         const struct kernel_headers *headers, struct error *err) {
    AUTO_STRLIST struct strlist paths = {0};
    for (size_t i = 0; i < facts->module_count; i++) {
        AUTO_FREE char *inside = parked_store_module_path(facts, &facts->modules[i]);
        AUTO_FREE char *path = inside ? root_host_path(root, inside) : NULL;
        if (!path || strlist_add(&paths, path))
            return error_oom(err, "verifying modules");
    }
    return target_verify_paths(headers, NULL, &paths, err);
}

int seal_checks_run(const struct root *root, const struct facts *facts, struct error *err) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    struct error reason = {0};
    int rc = check_node_program(root, err);
    if (rc)
        return rc;
    rc = kernel_headers_read(root, facts->kernel, &headers, &reason);
    if (rc && reason.kind == ERROR_NO_HEADERS) {
        log_detail("the image has no headers of %s: modules are not verified again", facts->kernel);
        return 0;
    }
    if (rc) {
        *err = reason;
        return rc;
    }
    rc = check_symvers(&headers, facts, err);
    return rc ? rc : check_modules(root, facts, &headers, err);
}
