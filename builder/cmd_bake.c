#include "builder/cmd_bake.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "builder/bake_report.h"
#include "builder/image.h"
#include "builder/node_program.h"
#include "kmod/lifecycle/facts_read.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/teardown.h"

static int print_plan(const struct plan *plan, struct error *err) {
    AUTO_STRLIST struct strlist steps = {0};
    int rc = plan_describe(plan, &steps, err);
    if (rc)
        return rc;
    if (plan->options->json)
        return bake_report_plan(plan, &steps, err);
    for (size_t i = 0; i < steps.count; i++)
        printf("%zu. %s\n", i + 1, steps.items[i]);
    return 0;
}

/* The same inputs, packed and signed the same way. */
static bool is_same_bake(const struct plan *plan, const struct facts *facts) {
    bool wants_signature = plan->options->sign_key != NULL;
    bool is_signed = facts->module_count > 0 && *facts->modules[0].key_id;
    return !strcmp(facts->bundle, plan->bundle_id) &&
           !strcmp(facts->compression, compression_name(plan->compression)) &&
           !strcmp(facts->driver_kind, plan->options->driver_kind) && wants_signature == is_signed;
}

/*
 * What is in the root already. 1: this very bake, whole; 0: nothing, or what --replace will
 * replace.
 */
static int look_at_existing(const struct plan *plan, struct error *err) {
    AUTO(marker_release) struct marker marker = {0};
    int found = bake_find(plan->root, &marker, err);
    if (found <= 0)
        return found;
    AUTO_FACTS struct facts facts = {0};
    struct error reason = {0};
    if (facts_read(plan->root, &facts, &reason) == 0 && is_same_bake(plan, &facts) &&
        bake_check_whole(plan->root, &reason) == 0)
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

static int clear_the_way(struct plan *plan, struct error *err) {
    int rc = plan->options->replace ? tear_down_existing(plan, err) : 0;
    if (!rc)
        rc = recover_leftovers(plan->root, err);
    return rc ? rc : plan_look_at_places(plan, err);
}

static int place_locked(const struct plan *plan, const struct node_program *program,
                        struct bake *bake, struct error *err) {
    AUTO(marker_release) struct marker marker = {0};
    int rc = bake_find(plan->root, &marker, err);
    if (rc > 0)
        return error_set(err, ERROR_REFUSED, EEXIST,
                         "another bake of %s/ was finished while this one was being made",
                         plan->root->path);
    if (!rc)
        rc = node_program_install(plan->root, program, err);
    return rc ? rc : bake_place(plan->root, bake, err);
}

static int place(struct plan *plan, const struct node_program *program, const struct bundle *bundle,
                 const struct packed_set *modules, struct error *err) {
    AUTO_BAKE struct bake bake = {0};
    AUTO_LOCK struct lock lock = LOCK_INIT;
    int rc = clear_the_way(plan, err);
    if (!rc)
        rc = image_prepare(plan, bundle, modules, &bake, err);
    if (!rc)
        rc = lock_take_making(plan->root, LOCK_WAIT_DEFAULT, NULL, &lock, err);
    if (rc)
        return rc;
    rc = place_locked(plan, program, &bake, err);
    if (!rc)
        return 0;
    struct error reason = {0};
    if (node_program_take_back(plan->root, program, &reason) || bake_recover(plan->root, &reason))
        log_warning("%s", reason.text);
    return rc;
}

static int make_and_place(struct plan *plan, const struct timespec *start, struct error *err) {
    AUTO_NODE_PROGRAM struct node_program program = {0};
    AUTO_BUNDLE struct bundle bundle = {0};
    AUTO_PACKED_SET struct packed_set modules = {0};
    int rc = node_program_find(plan->root, &program, err);
    if (!rc)
        rc = bundle_get(plan, &bundle, err);
    if (!rc)
        rc = packing_run(plan, &bundle, &modules, err);
    if (!rc)
        rc = interrupt_check(err);
    if (rc)
        return rc;
    log_step("placing %zu modules in %s%s", modules.count, plan->root->path,
             plan->module_dirs.items[0]);
    rc = place(plan, &program, &bundle, &modules, err);
    if (!rc)
        rc = bake_check_whole(plan->root, err);
    return rc ? rc
              : bake_report_done(plan, &modules, bundle.reused ? "cached" : "built", start, err);
}

static int run(struct command_call *call, struct error *err) {
    struct timespec start;
    clock_gettime(CLOCK_MONOTONIC, &start);
    struct bake_options options;
    int rc = bake_options_read(call, &options, err);
    if (rc)
        return rc;
    AUTO_PLAN struct plan plan = {0};
    rc = plan_make(&call->root, &options, &plan, err);
    if (rc)
        return rc;
    if (options.dry_run)
        return print_plan(&plan, err);
    rc = look_at_existing(&plan, err);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        rc = bake_finish(plan.root, err);
        return rc ? rc : bake_report_unchanged(&plan, &start, err);
    }
    return make_and_place(&plan, &start, err);
}

const struct command cmd_bake = {
    .verb = "bake",
    .summary = "compile modules for an image's kernel and install them into it",
    .details = "Compiles the modules of a DKMS source against the image's kernel headers, proves\n"
               "that they will load there, signs and compresses them, installs and indexes them,\n"
               "registers them with DKMS, and leaves a manifest and a marker for prebake-node.\n"
               "A failed bake leaves the image as it was.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"source", "SRC", "a DKMS source tree, or a .deb or tarball with one", NULL},
            {"kernel", "RELEASE", "the kernel (default: the only one with headers)", NULL},
            {"sign-key", "KEY", "sign with this private key (PEM file or pkcs11: URI)", NULL},
            {"sign-cert", "CERT", "its certificate (PEM or DER)", NULL},
            {"passphrase-file", "FILE", "the key's passphrase (default: KBUILD_SIGN_PIN)", NULL},
            {"require-signature", NULL, "fail when the modules would not be signed", NULL},
            {"compress", "FORMAT",
             "how modules are packed (default auto: as the kernel's "
             "configuration says)",
             "auto|none|gzip|xz|zstd"},
            {"driver-kind", "KIND", "what the marker says (default cuda)", "cuda|grid"},
            {"jobs", "N", "compile with N processes (default: processors)", NULL},
            {"cache", "DIR", "keep finished builds in DIR and use what is there", NULL},
            {"replace", NULL, "take the place of a bake that is there", NULL},
            {"allow-cc-mismatch", NULL, "accept another compiler than the kernel's", NULL},
            {"ignore-scripts", NULL, "bake although the source has install scripts", NULL},
            {"dry-run", NULL, "print the steps and change nothing", NULL},
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = run,
};
