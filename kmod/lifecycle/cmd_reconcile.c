#include "kmod/lifecycle/cmd_reconcile.h"

#include "kmod/lifecycle/lock_option.h"
#include "kmod/lifecycle/reconcile_report.h"

static int report(const struct command_call *call, const struct reconcile_options *options,
                  const struct reconcile_result *result, struct error *err) {
    if (command_given(call, "json"))
        return reconcile_report_json(options, result, err);
    return reconcile_report_lines(options, result, command_value(call, "tag"), err);
}

static int run(struct command_call *call, struct error *err) {
    struct utsname system;
    struct reconcile_options options = {.observe = command_given(call, "observe")};
    int rc = lock_option_read(call, &options.lock_wait, err);
    if (!rc)
        rc = node_wishes_read(call, &system, &options.wishes, err);
    if (rc)
        return rc;
    AUTO_RECONCILE_RESULT struct reconcile_result result;
    rc = reconcile_run(&call->root, &options, &result, err);
    struct error unprinted = {0};
    int printed = report(call, &options, &result, &unprinted);
    if (printed && !rc) {
        *err = unprinted;
        rc = printed;
    }
    return rc;
}

const struct command cmd_reconcile = {
    .verb = "reconcile",
    .summary = "use the bake or erase it, as the node's facts demand: the one line of a "
               "provisioning script",
    .details =
        "Without a marker nothing is done or said. A node without a GPU, or that wants no driver,\n"
        "loses the bake. On a node with a managed GPU a bake of its kind, version, kernel and\n"
        "architecture that is whole is activated, or kept: exit status 0, and skip_build=true in\n"
        "the line. Any other one is erased: exit status 5, install the driver in full; 3 when\n"
        "something of it is left. With --observe the line says what would be done, and nothing is\n"
        "changed; 5 then says that the driver is not in place.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"gpu-node", "WORD", "whether the node has a GPU", "true|false"},
            {"skip-driver", "WORD", "whether the node is to have no driver", "true|false"},
            {"driver-type", "TYPE", "the driver it wants: cuda, cuda-lts, grid, grid-v20",
             COMMAND_EVEN_EMPTY},
            {"driver-version", "VERSION", "and its version", COMMAND_EVEN_EMPTY},
            {"observe", NULL, "say what would be done, change nothing", NULL},
            {"legacy-marker", "PATH", "the marker of an image that another tool baked", NULL},
            {"kernel", "RELEASE", "what runs, or will (default: the running one)", NULL},
            {"arch", "MACHINE", "its architecture (default: this machine's)", NULL},
            {"sysfs", "DIR", "where GPUs are looked for (default /sys; none with --root)", NULL},
            LOCK_OPTION,
            {"tag", "TAG", "a telemetry line's first word (default PREBAKE)", NULL},
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = run,
};
