#include "kmod/lifecycle/cmd_teardown.h"

#include "kmod/lifecycle/legacy_teardown.h"
#include "kmod/lifecycle/lock_option.h"
#include "kmod/lifecycle/node_json.h"
#include "kmod/lifecycle/purge.h"
#include "kmod/lifecycle/teardown_report.h"

static int report(const struct command_call *call, const struct teardown_result *result,
                  struct error *err) {
    if (command_given(call, "json"))
        return node_json_print(teardown_report_json(result), err);
    return teardown_report_line(result, command_value(call, "tag"), command_value(call, "gpu-node"),
                                err);
}

/* prebake's own marker wins; without one the image may be another tool's. */
static int tear_down(const struct command_call *call, const struct teardown_options *options,
                     struct teardown_result *result, struct error *err) {
    const char *legacy_marker = command_value(call, "legacy-marker");
    int rc = teardown_run(&call->root, options, result, err);
    if (rc || result->acted || !legacy_marker)
        return rc;
    return legacy_teardown_run(&call->root, legacy_marker, options, result, err);
}

static int run(struct command_call *call, struct error *err) {
    struct teardown_options options = {.force_files = command_given(call, "force-files")};
    int rc = lock_option_read(call, &options.lock_wait, err);
    if (rc)
        return rc;
    struct teardown_result result;
    rc = tear_down(call, &options, &result, err);
    if (result.acted) {
        struct error unprinted = {0};
        int printed = report(call, &result, &unprinted);
        if (printed && !rc) {
            *err = unprinted;
            rc = printed;
        }
    }
    if (!rc && command_given(call, "purge"))
        rc = purge_run(&call->root, options.lock_wait, err);
    return rc;
}

const struct command cmd_teardown = {
    .verb = "teardown",
    .summary = "erase the bake: modules, registration, files, index, marker",
    .details =
        "Removes exactly what the bake placed and what still is that; a path that somebody\n"
        "changed since stays and is counted (foreign=N). Without a marker there is nothing\n"
        "to do. Run again after an incomplete teardown (exit status 3).\n"
        "An image that another tool baked has a marker of key=value lines and no manifest:\n"
        "with --legacy-marker each known path goes only with its own proof that it is of\n"
        "the marker's driver version; what has none stays and is counted.\n"
        "With --purge a system that carries no bake (any more) loses all of /var/lib/prebake\n"
        "and prebake-node, unless a package owns it.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"force-files", NULL, "remove the files although modules are in use", NULL},
            {"purge", NULL, "remove all state and prebake-node as well, last", NULL},
            {"legacy-marker", "PATH", "erase what another tool baked, by its marker", NULL},
            LOCK_OPTION,
            {"gpu-node", "WORD", "what the telemetry line says as gpu_node=", NULL},
            {"tag", "TAG", "the telemetry line's first word (default PREBAKE)", NULL},
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = run,
};
