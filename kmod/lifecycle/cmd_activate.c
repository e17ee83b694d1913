#include "kmod/lifecycle/cmd_activate.h"

#include "base/telemetry.h"
#include "kmod/lifecycle/activate.h"
#include "kmod/lifecycle/lock_option.h"
#include "kmod/lifecycle/node_json.h"

static int print_line(const struct command_call *call, const struct activate_result *result,
                      struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, command_value(call, "tag"), "activate");
    telemetry_add(&event, "status", "active");
    telemetry_add_bool(&event, "changed", result->acted);
    telemetry_add_bool(&event, "loaded", result->loaded);
    telemetry_add_number(&event, "duration_ms", result->duration_ms);
    return telemetry_print(&event, err);
}

static int print_json(const struct activate_result *result, struct error *err) {
    json_t *document =
        json_pack("{s:i, s:s, s:s, s:b, s:b, s:I}", "format", NODE_JSON_FORMAT, "event", "activate",
                  "status", "active", "changed", result->acted, "loaded", result->loaded,
                  "duration_ms", (json_int_t)result->duration_ms);
    return node_json_print(document, err);
}

static int run(struct command_call *call, struct error *err) {
    struct activate_options options = {.load = command_given(call, "modprobe")};
    struct activate_result result;
    int rc = lock_option_read(call, &options.lock_wait, err);
    if (!rc)
        rc = activate_run(&call->root, &options, &result, err);
    if (rc)
        return rc;
    return command_given(call, "json") ? print_json(&result, err) : print_line(call, &result, err);
}

const struct command cmd_activate = {
    .verb = "activate",
    .summary = "put a parked bake in its places: files, index, DKMS registration",
    .details =
        "Moves everything that a parked bake has in the private store to its place, switches the\n"
        "module index and registers the modules with DKMS. An active bake stays as it is.\n"
        "A bake for another kernel, machine or set of symbols is not activated (exit status\n"
        "5), nor a damaged one (7), nor one that would overwrite something (4).\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"modprobe", NULL, "load the modules, too (of the running system only)", NULL},
            LOCK_OPTION,
            {"tag", "TAG", "the telemetry line's first word (default PREBAKE)", NULL},
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = run,
};
