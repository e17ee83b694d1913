#include "kmod/system/index_refresh.h"

#include "base/workers.h"
#include "kmod/system/depmod.h"
#include "kmod/system/index_publish.h"
#include "kmod/system/index_store.h"
#include "kmod/system/module_folder.h"

/* What became of one kernel. */
struct outcome {
    int rc;
    struct error error;
};

struct refresh {
    const struct root *root;
    const struct strlist *kernels;
    const char *store;
    const struct strlist *without;
    struct outcome *outcomes; /* one a kernel */
};

static int run_depmod(const struct refresh *refresh, const char *kernel,
                      const struct index_store *paths, struct error *err) {
    AUTO_STRLIST struct strlist names = {0}, without = {0};
    AUTO_FREE char *folder = NULL;
    const struct depmod_view view = {.without = &without};
    int rc = index_store_sweep(refresh->root, paths, err);
    if (!rc && refresh->without)
        rc = module_folder_select(refresh->root, kernel, refresh->without, &without, err);
    if (!rc)
        rc = depmod_run_view(refresh->root, kernel, paths->staging, &view, &folder, &names, err);
    if (!rc)
        rc = index_publish(refresh->root, paths, folder, &names, err);
    int discarded = depmod_discard(refresh->root, paths->staging, rc ? NULL : err);
    return rc ? rc : discarded;
}

static int refresh_one(const struct refresh *refresh, const char *kernel, struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    int rc = index_store_locate(kernel, refresh->store, &paths, err);
    return rc || !root_is_directory(refresh->root, paths.kernel_dir)
               ? rc
               : run_depmod(refresh, kernel, &paths, err);
}

/* Never fails: others are begun all the same. */
static int refresh_piece(void *context, size_t index, struct error *unused) {
    const struct refresh *refresh = context;
    struct outcome *outcome = &refresh->outcomes[index];
    (void)unused;
    outcome->rc = refresh_one(refresh, refresh->kernels->items[index], &outcome->error);
    return 0;
}

/* When none runs any more: the folder above is that of all kernels. */
static int tidy(const struct refresh *refresh, const char *kernel, struct error *err) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    int rc = index_store_locate(kernel, refresh->store, &paths, err);
    return rc ? rc : index_store_tidy(refresh->root, &paths, err);
}

static int settle(const struct refresh *refresh, struct error *err) {
    int first = 0;
    for (size_t i = 0; i < refresh->kernels->count; i++) {
        const struct outcome *outcome = &refresh->outcomes[i];
        if (outcome->rc && !first && err)
            *err = outcome->error;
        int rc = outcome->rc;
        if (!rc)
            rc = tidy(refresh, refresh->kernels->items[i], first ? NULL : err);
        first = first ? first : rc;
    }
    return first;
}

/* The folder above those of the kernels, before several of them want to make it. Each of them says
 * itself what keeps it from that. */
static void make_index_dir(const struct root *root, const struct strlist *kernels,
                           const char *store) {
    AUTO_INDEX_STORE struct index_store paths = {0};
    struct error ignored = {0};
    if (kernels->count > 1 && !index_store_locate(kernels->items[0], store, &paths, &ignored))
        (void)!root_make_dirs(root, paths.index_dir, 0700, NULL, &ignored);
}

int index_refresh(const struct root *root, const struct strlist *kernels, const char *store,
                  const struct strlist *without, struct error *err) {
    AUTO_FREE struct outcome *outcomes = calloc(kernels->count + 1, sizeof *outcomes);
    if (!outcomes)
        return error_oom(err, "refreshing the module index");
    struct refresh refresh = {root, kernels, store, without, outcomes};
    make_index_dir(root, kernels, store);
    int rc = workers_run(kernels->count, workers_processors(), refresh_piece, &refresh, err);
    return rc ? rc : settle(&refresh, err);
}
