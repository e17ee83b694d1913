#include "builder/cmd_seal.h"

#include "base/telemetry.h"
#include "builder/json_text.h"
#include "builder/seal_checks.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/seal.h"

#define FORMAT 1 /* of --json */

static int print_line(const struct seal_result *result, struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, NULL, "seal");
    telemetry_add(&event, "status", "sealed");
    telemetry_add_number(&event, "kernels", result->kernels);
    telemetry_add_number(&event, "refreshed", result->refreshed);
    telemetry_add_number(&event, "forgotten", result->forgotten);
    telemetry_add_number(&event, "duration_ms", result->duration_ms);
    return telemetry_print(&event, err);
}

static int print_json(const struct seal_result *result, struct error *err) {
    AUTO_JSON json_t *document = json_pack(
        "{s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "format", FORMAT, "event", "seal", "status",
        "sealed", "kernels", (json_int_t)result->kernels, "refreshed",
        (json_int_t)result->refreshed, "forgotten", (json_int_t)result->forgotten, "initramfs",
        (json_int_t)result->initramfs, "duration_ms", (json_int_t)result->duration_ms);
    return document ? json_text_print(document, err) : error_oom(err, "printing the result");
}

static int run(struct command_call *call, struct error *err) {
    const struct seal_options options = {.lock_wait = LOCK_WAIT_DEFAULT, .check = seal_checks_run};
    struct seal_result result;
    int rc = seal_run(&call->root, &options, &result, err);
    if (rc)
        return rc;
    return command_given(call, "json") ? print_json(&result, err) : print_line(&result, err);
}

const struct command cmd_seal = {
    .verb = "seal",
    .summary = "last step of an image's build: make the bake's teardown quick and sure",
    .details = "Checks that the bake is whole (files, DKMS registration, prebake-node, no baked\n"
               "module in an initramfs), forgets kernels that are gone, and makes the module\n"
               "indexes that a teardown switches to anew where the image changed since the bake.\n"
               "Fails the build when something is wrong: without a bake with exit status 4, with\n"
               "a damaged one, or one for a kernel that is gone, with 7.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = run,
};
