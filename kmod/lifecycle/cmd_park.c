#include "kmod/lifecycle/cmd_park.h"

#include "base/telemetry.h"
#include "kmod/lifecycle/lock_option.h"
#include "kmod/lifecycle/node_json.h"
#include "kmod/lifecycle/park.h"

static int print_line(const struct command_call *call, const struct park_result *result,
                      struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, command_value(call, "tag"), "park");
    telemetry_add(&event, "status", "parked");
    telemetry_add_bool(&event, "changed", result->acted);
    telemetry_add_number(&event, "duration_ms", result->duration_ms);
    return telemetry_print(&event, err);
}

static int print_json(const struct park_result *result, struct error *err) {
    json_t *document = json_pack("{s:i, s:s, s:s, s:b, s:I}", "format", NODE_JSON_FORMAT, "event",
                                 "park", "status", "parked", "changed", result->acted,
                                 "duration_ms", (json_int_t)result->duration_ms);
    return node_json_print(document, err);
}

static int run(struct command_call *call, struct error *err) {
    struct park_options options;
    struct park_result result;
    int rc = lock_option_read(call, &options.lock_wait, err);
    if (!rc)
        rc = park_run(&call->root, &options, &result, err);
    if (rc)
        return rc;
    return command_given(call, "json") ? print_json(&result, err) : print_line(call, &result, err);
}

const struct command cmd_park = {
    .verb = "park",
    .summary = "take an active bake out of the system, ready to be activated again",
    .details =
        "Moves everything that the bake placed to a private store in which nothing is registered,\n"
        "loadable, on PATH or the loader path, or privileged. A parked bake stays as it is.\n"
        "One with a module in use is not parked (exit status 6), nor a damaged one (7).\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            LOCK_OPTION,
            {"tag", "TAG", "the telemetry line's first word (default PREBAKE)", NULL},
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = run,
};
