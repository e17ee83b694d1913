#include "builder/baking.h"

#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "builder/image.h"
#include "builder/plan_places.h"
#include "kmod/lifecycle/activate.h"
#include "kmod/lifecycle/bake_initramfs.h"
#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/park.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/state_word.h"
#include "kmod/lifecycle/teardown.h"
#include "kmod/module/module_file.h"
#include "kmod/module/signature.h"

#define KILLED_MAX 10 /* others whose leftovers are cleared away, one after the other */

/* The module is where its bake's layout has it, or, of a bake on its way to the other, in the
 * store. */
static int read_module(const struct root *root, const struct facts_module *module,
                       struct module_file *file, struct error *err) {
    AUTO_FREE char *stored = parked_store_path(module->path);
    AUTO_CLOSE int fd = -1;
    if (!stored)
        return error_oom(err, "reading a module");
    const char *path = root_exists(root, stored) ? stored : module->path;
    int rc = root_open_file(root, path, &fd, err);
    return rc ? rc : module_file_read_fd(fd, path, file, err);
}

/* Two certificates may have one name and serial number, which is all that the facts have. */
static bool is_signed_by(const struct root *root, const struct facts *facts,
                         const char *certificate) {
    int rc = 0;
    for (size_t i = 0; !rc && i < facts->module_count; i++) {
        AUTO_MODULE_FILE struct module_file file = {0};
        struct error reason = {0};
        rc = read_module(root, &facts->modules[i], &file, &reason);
        if (!rc)
            rc = signature_verify(file.content.data, file.content.size, certificate, &reason);
    }
    return !rc;
}

static bool is_signed_as_wanted(const struct plan *plan, const struct facts *facts) {
    if (plan->options->sign_key)
        return is_signed_by(plan->root, facts, plan->options->sign_cert);
    return !facts->module_count || !*facts->modules[0].key_id;
}

/* The same inputs, packed and signed the same way. */
static bool is_same_bake(const struct plan *plan, const struct facts *facts) {
    return !strcmp(facts->bundle, plan->bundle_id) &&
           !strcmp(facts->compression, compression_name(plan->compression)) &&
           !strcmp(facts->userspace, plan->userspace_digest) &&
           !strcmp(facts->supported_gpus, plan->gpus.digest) &&
           !strcmp(facts->driver_kind, plan->options->driver_kind) &&
           !strcmp(facts->compat_marker, plan->compat_marker ? plan->compat_marker : "") &&
           is_signed_as_wanted(plan, facts);
}

/* A run that was killed while things moved; baking_settle() goes on with it. */
static bool is_on_the_way(const struct root *root) {
    enum state_word word = STATE_NONE;
    struct error ignored = {0};
    return root_exists(root, PARKED_STORE) && !state_word_read(root, &word, &ignored) &&
           word != STATE_PARKED && word != STATE_TEARING_DOWN;
}

static int look_at_existing(const struct plan *plan, struct error *err) {
    AUTO_MARKER struct marker marker = {0};
    int found = bake_find(plan->root, &marker, err);
    if (found <= 0)
        return found;
    AUTO_FACTS struct facts facts = {0};
    struct error reason = {0};
    if (bake_records_facts(plan->root, &marker, &facts, &reason) == 0 &&
        is_same_bake(plan, &facts) &&
        (is_on_the_way(plan->root) || bake_check_whole(plan->root, &reason) == 0))
        return 1;
    if (plan->options->replace)
        return 0;
    return error_set(
        err, ERROR_REFUSED, EEXIST,
        "%s/ already carries a bake of %s %s for %s%s%s; 'prebake-node teardown --root "
        "%s/' removes it, --replace puts this one in its place",
        plan->root->path, marker.module, marker.driver_version, marker.kernel,
        *reason.text ? ", and " : "", reason.text, plan->root->path);
}

int baking_look(const struct plan *plan, struct node_program *program, struct error *err) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = lock_take(plan->root, LOCK_WAIT_DEFAULT, &lock, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    int found = look_at_existing(plan, err);
    if (found != 1)
        return found;
    /* Of a bake that was killed after its marker. */
    rc = file_remove(plan->root, STATE_FOLDER_JOURNAL, err);
    if (!rc)
        rc = node_program_install(plan->root, program, err);
    return rc ? rc : 1;
}

static int tear_down_existing(const struct plan *plan, struct error *err) {
    struct teardown_options options = {.lock_wait = LOCK_WAIT_DEFAULT};
    struct teardown_result result;
    int rc = teardown_run(plan->root, &options, &result, err);
    if (rc)
        return error_wrap(err, rc, "can't replace the bake that is there");
    if (result.acted)
        log_step("removed the bake that was there");
    return 0;
}

/* The lock of a folder that recovery then removes is of no use afterwards: it is let go again. */
static int recover_leftovers(const struct root *root, struct error *err) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = lock_take(root, LOCK_WAIT_DEFAULT, &lock, err);
    if (rc)
        return rc == -ENOENT ? 0 : rc;
    return bake_recover(root, err);
}

/* Takes the lock of a root in which nothing is half done. */
static int take_root(const struct root *root, struct lock *lock, struct error *err) {
    for (int tries = 0; tries < KILLED_MAX; tries++) {
        int rc = recover_leftovers(root, err);
        if (!rc)
            rc = lock_take_making(root, LOCK_WAIT_DEFAULT, NULL, lock, err);
        if (rc || !bake_is_unfinished(root))
            return rc;
        lock_release(lock);
    }
    return error_set(err, ERROR_LOCKED, EBUSY,
                     "other bakes and teardowns of %s/ begin and are killed again and again",
                     root->path);
}

/* One that somebody installed before is loaded from an initramfs first, whatever is baked. */
static int check_initramfs(const struct root *root, struct facts *facts, struct error *err) {
    AUTO_INITRAMFS_WANTED struct initramfs_wanted wanted = {0};
    unsigned count = 0;
    bool changed = false;
    int rc = 0;
    for (size_t i = 0; !rc && i < facts->module_count; i++)
        rc = initramfs_want(&wanted, facts->modules[i].path, facts->modules[i].build_id, err);
    return rc ? rc : bake_initramfs_record(root, &wanted, facts, &count, &changed, err);
}

static int prepare_and_place(struct plan *plan, struct node_program *program,
                             const struct bundle *bundle, const struct packed_set *modules,
                             struct error *err) {
    AUTO_BAKE struct bake bake = {0};
    int rc = plan_places_look(plan, err);
    if (!rc)
        rc = image_prepare(plan, bundle, modules, &bake, err);
    if (!rc)
        rc = check_initramfs(plan->root, &bake.facts, err);
    if (!rc)
        rc = node_program_install(plan->root, program, err);
    return rc ? rc : bake_place(plan->root, &bake, err);
}

/* With --replace what was there is gone, so that a bake which is there now is another one. */
static int refuse_other(const struct root *root, struct error *err) {
    return error_set(err, ERROR_REFUSED, EEXIST,
                     "another bake of %s/ was finished while this one was being made", root->path);
}

/* Of what can't be taken back; the bake's own error is what counts. */
static void warn_of(int rc, const struct error *reason) {
    if (rc)
        log_warning("%s", reason->text);
}

int baking_place(struct plan *plan, struct node_program *program, const struct bundle *bundle,
                 const struct packed_set *modules, struct error *err) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    const struct root *root = plan->root;
    int rc = plan->options->replace ? tear_down_existing(plan, err) : 0;
    if (!rc)
        rc = take_root(root, &lock, err);
    if (!rc)
        rc = look_at_existing(plan, err);
    if (!rc && root_exists(root, STATE_FOLDER_MARKER))
        rc = refuse_other(root, err);
    if (rc)
        return rc;
    rc = prepare_and_place(plan, program, bundle, modules, err);
    if (!rc)
        return bake_check_whole(root, err);
    struct error reason = {0};
    warn_of(node_program_take_back(root, program, &reason), &reason);
    warn_of(bake_recover(root, &reason), &reason);
    return rc;
}

int baking_settle(const struct plan *plan, struct error *err) {
    const struct park_options park = {.lock_wait = LOCK_WAIT_DEFAULT};
    const struct activate_options activate = {
        .lock_wait = LOCK_WAIT_DEFAULT, .any_kernel = true, .headers_only = true};
    struct park_result parked;
    struct activate_result activated;
    int rc = 0;
    if (plan->options->parked)
        rc = park_run(plan->root, &park, &parked, err);
    else
        rc = activate_run(plan->root, &activate, &activated, err);
    return rc ? rc : bake_check_whole(plan->root, err);
}
