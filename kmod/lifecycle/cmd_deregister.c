#include "kmod/lifecycle/cmd_deregister.h"

#include <string.h>

#include "base/telemetry.h"
#include "kmod/lifecycle/deregister.h"
#include "kmod/lifecycle/node_json.h"

static const char *status_of(const struct deregister_result *result) {
    if (!result->complete)
        return "incomplete";
    return result->present ? "removed" : "absent";
}

static int print_line(const struct command_call *call, const struct deregister_options *options,
                      const struct deregister_result *result, struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, command_value(call, "tag"), "deregister");
    telemetry_add(&event, "module", options->name);
    telemetry_add(&event, "driver_version", options->version);
    telemetry_add(&event, "status", status_of(result));
    telemetry_add_number(&event, "kernels", result->kernels);
    telemetry_add_number(&event, "files", result->files);
    telemetry_add_number(&event, "foreign", result->foreign);
    telemetry_add_number(&event, "duration_ms", result->duration_ms);
    return telemetry_print(&event, err);
}

static int print_json(const struct deregister_options *options,
                      const struct deregister_result *result, struct error *err) {
    return node_json_print(
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "format", NODE_JSON_FORMAT,
                  "event", "deregister", "module", options->name, "driver_version",
                  options->version, "status", status_of(result), "kernels",
                  (json_int_t)result->kernels, "files", (json_int_t)result->files, "foreign",
                  (json_int_t)result->foreign, "duration_ms", (json_int_t)result->duration_ms),
        err);
}

/* "NAME/VERSION", cut in two at the slash. */
static int read_operand(const struct command_call *call, char **name,
                        struct deregister_options *options, struct error *err) {
    const char *operand = call->operands.count == 1 ? call->operands.items[0] : "";
    char *slash = strchr(operand, '/');
    if (!slash)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "deregister takes one NAME/VERSION, as 'dkms status' prints it");
    *name = strndup(operand, (size_t)(slash - operand));
    if (!*name)
        return error_oom(err, "reading the command line");
    options->name = *name;
    options->version = slash + 1;
    return 0;
}

static int run(struct command_call *call, struct error *err) {
    AUTO_FREE char *name = NULL;
    struct deregister_options options = {
        .kernel = command_value(call, "k"),
        .all = command_given(call, "all"),
    };
    if (options.kernel && options.all)
        return error_set(err, ERROR_USAGE, EINVAL, "-k and --all exclude each other");
    int rc = read_operand(call, &name, &options, err);
    if (rc)
        return rc;
    struct deregister_result result;
    rc = deregister_run(&call->root, &options, &result, err);
    if (!result.looked)
        return rc;
    struct error unprinted = {0};
    int printed = command_given(call, "json") ? print_json(&options, &result, &unprinted)
                                              : print_line(call, &options, &result, &unprinted);
    if (printed && !rc) {
        *err = unprinted;
        rc = printed;
    }
    return rc;
}

const struct command cmd_deregister = {
    .verb = "deregister",
    .arguments = "NAME/VERSION",
    .summary = "remove a module that dkms registered, without dkms",
    .details =
        "Removes what is installed, puts original modules back, runs depmod once for each kernel "
        "and removes the registration and the builds, as 'dkms remove' does. The source in "
        "/usr/src stays.\n"
        "\n"
        "An installed file that is not the one DKMS built is somebody else's: it stays and is "
        "counted (foreign=N). dkms.conf is not evaluated, so its POST_REMOVE script does not run.\n"
        "\n"
        "A NAME/VERSION that DKMS does not have is nothing to do: status=absent, exit status 0, "
        "so that a provisioning script can be run again. What prebake itself baked is refused: "
        "that is for 'teardown'.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"all", NULL, "for every kernel", NULL},
            {"k", "KERNEL", "for this kernel only; needed when several have it", NULL},
            {"tag", "TAG", "the telemetry line's first word (default PREBAKE)", NULL},
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = run,
};
