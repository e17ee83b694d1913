/*
 * index-switch ROOT KERNEL: what a teardown does to one kernel's module index, and nothing else. It
 * fails when there is no variant that can be switched to.
 */
#include <stdio.h>
#include <string.h>

#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/module_index.h"

static int switch_index(const struct root *root, const struct facts *facts, const char *kernel,
                        struct error *err) {
    for (size_t i = 0; i < facts->index_count; i++) {
        bool needs_refresh;
        if (strcmp(facts->indexes[i].kernel, kernel))
            continue;
        int rc =
            module_index_restore(root, &facts->indexes[i], STATE_FOLDER_STORE, &needs_refresh, err);
        return rc || !needs_refresh
                   ? rc
                   : error_set(err, ERROR_INTERNAL, ESTALE, "%s needs a depmod", kernel);
    }
    return error_set(err, ERROR_INTERNAL, ENOENT, "there is no index of %s", kernel);
}

static int run(const char *path, const char *kernel, struct error *err) {
    AUTO_ROOT struct root root = ROOT_INIT;
    AUTO_MARKER struct marker marker = {0};
    AUTO_FACTS struct facts facts = {0};
    int rc = root_open(&root, path, err);
    if (!rc)
        rc = bake_find(&root, &marker, err);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return error_set(err, ERROR_INTERNAL, ENOENT, "%s carries no bake", path);
    rc = bake_records_facts(&root, &marker, &facts, err);
    return rc ? rc : switch_index(&root, &facts, kernel, err);
}

int main(int argc, char **argv) {
    struct error err = {0};
    if (argc != 3 || run(argv[1], argv[2], &err)) {
        fprintf(stderr, "index-switch: %s\n", argc == 3 ? err.text : "usage: ROOT KERNEL");
        return 1;
    }
    return 0;
}
