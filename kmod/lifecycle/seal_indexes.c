#include "kmod/lifecycle/seal_indexes.h"

#include <string.h>

#include "base/log.h"
#include "kmod/lifecycle/derived_modules.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/system/index_parking.h"
#include "kmod/system/index_variants.h"

static const char sealing[] = "sealing an image";

static bool has_folder(const struct root *root, const char *kernel) {
    AUTO_FREE char *path = NULL;
    return asprintf(&path, "/lib/modules/%s", kernel) >= 0 && root_is_directory(root, path);
}

static void forget_gone_kernels(const struct root *root, struct facts *facts,
                                struct seal_indexes *indexes) {
    for (size_t i = facts->index_count; i-- > 0;) {
        if (has_folder(root, facts->indexes[i].kernel))
            continue;
        log_step("forgetting the kernel %s, which is gone", facts->indexes[i].kernel);
        facts_remove_index(facts, i);
        indexes->forgotten++;
    }
}

static struct module_index *find_index(struct facts *facts, const char *kernel) {
    for (size_t i = 0; i < facts->index_count; i++)
        if (!strcmp(facts->indexes[i].kernel, kernel))
            return &facts->indexes[i];
    return NULL;
}

/* What DKMS put away for the kernel when it installed: a teardown puts it back and runs depmod. */
static bool displaced_a_module(const struct root *root, const struct dkms_build *build) {
    AUTO_FREE char *path = NULL;
    return asprintf(&path, "%s/original_module/%s", build->paths.module_dir, build->kernel) < 0 ||
           root_exists(root, path);
}

/* Kernels that the bake did not know, whose index names derived modules. */
static int add_derived_kernels(const struct root *root, const struct derived *derived,
                               struct facts *facts, struct error *err) {
    const struct dkms_builds *builds = &derived->removal.builds;
    for (size_t i = 0; i < builds->count; i++) {
        const struct dkms_build *build = &builds->items[i];
        if (!derived_modules_has(derived, build) || find_index(facts, build->kernel) ||
            !has_folder(root, build->kernel) || displaced_a_module(root, build))
            continue;
        struct module_index *index = facts_add_index(facts);
        if (!index || !(index->kernel = strdup(build->kernel)))
            return error_oom(err, sealing);
    }
    return 0;
}

static int renew_index(const struct root *root, const struct derived *derived,
                       const struct facts *facts, struct module_index *index,
                       struct seal_indexes *indexes, struct error *err) {
    AUTO_STRLIST struct strlist ours = {0};
    bool renewed = false;
    /* What a teardown takes out of the kernel's tree: baked modules, and derived ones. */
    int rc = facts_modules_of(facts, root, index->kernel, &ours, err);
    if (!rc)
        rc = derived_modules_list(derived, index->kernel, &ours, err);
    const struct depmod_view parked = {.with = &ours, .kept = PARKED_STORE};
    if (!rc && parked_store_is_home(facts))
        rc = index_parking_renew(root, index, STATE_FOLDER_STORE, &parked, &renewed, err);
    else if (!rc)
        rc = index_variants_renew(root, STATE_FOLDER_STORE, &ours, index, &renewed, err);
    if (rc || !renewed)
        return rc;
    log_step("made the module index of %s anew", index->kernel);
    return strlist_add(&indexes->renewed, index->kernel) ? error_oom(err, sealing) : 0;
}

int seal_indexes_renew(const struct root *root, const struct derived *derived, struct facts *facts,
                       struct seal_indexes *indexes, struct error *err) {
    forget_gone_kernels(root, facts, indexes);
    int rc = add_derived_kernels(root, derived, facts, err);
    for (size_t i = 0; !rc && i < facts->index_count; i++)
        rc = renew_index(root, derived, facts, &facts->indexes[i], indexes, err);
    return rc;
}

int seal_indexes_commit(const struct root *root, const struct facts *facts,
                        const struct seal_indexes *indexes, struct error *err) {
    AUTO_STRLIST struct strlist kernels = {0};
    int rc = 0;
    for (size_t i = 0; i < facts->index_count; i++)
        if (strlist_add(&kernels, facts->indexes[i].kernel))
            return error_oom(err, sealing);
    for (size_t i = 0; !rc && i < indexes->renewed.count; i++)
        rc = index_variants_commit(root, STATE_FOLDER_STORE, indexes->renewed.items[i], err);
    return rc ? rc : index_variants_forget_others(root, STATE_FOLDER_STORE, &kernels, err);
}

void seal_indexes_release(struct seal_indexes *indexes) {
    strlist_release(&indexes->renewed);
}
