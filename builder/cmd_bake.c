#include "builder/cmd_bake.h"

#include <stdio.h>

#include "base/interrupt.h"
#include "base/log.h"
#include "base/stopwatch.h"
#include "builder/bake_report.h"
#include "builder/baking.h"

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

/* The bake is there already; perhaps in the other layout. */
static int leave(struct plan *plan, const struct timespec *start, struct error *err) {
    int rc = baking_settle(plan, err);
    return rc ? rc : bake_report_unchanged(plan, start, err);
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
    rc = baking_place(plan, &program, &bundle, &modules, err);
    if (rc)
        return rc == 1 ? leave(plan, start, err) : rc;
    rc = baking_settle(plan, err);
    return rc ? rc
              : bake_report_done(plan, &modules, bundle.reused ? "cached" : "built", start, err);
}

static int run(struct command_call *call, struct error *err) {
    struct timespec start = stopwatch_start();
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
    rc = baking_look(&plan, err);
    return rc == 1 ? leave(&plan, &start, err) : rc ? rc : make_and_place(&plan, &start, err);
}

const struct command cmd_bake = {
    .verb = "bake",
    .summary = "compile modules for an image's kernel and install them into it",
    .details = "Compiles the modules of a DKMS source against the image's kernel headers, proves\n"
               "that they will load there, signs and compresses them, installs and indexes them,\n"
               "registers them with DKMS, and leaves a manifest and a marker for prebake-node.\n"
               "With --userspace, the driver's programs, libraries, firmware and configuration\n"
               "are placed, too, from a directory laid out as they stand in the image; nothing\n"
               "that is there is overwritten, and all must be of the modules' version.\n"
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
            {"compat-marker", "PATH",
             "place a marker for other tools, there only while the bake is active", NULL},
            {"layout", "LAYOUT",
             "active (default): installed, indexed, registered; parked: inert, in a private store "
             "until prebake-node activates it",
             "active|parked"},
            {"userspace", "DIR", "lay DIR over the image as well: programs, libraries", NULL},
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
