#include "kmod/lifecycle/reconcile_report.h"

#include <string.h>

#include "base/telemetry.h"
#include "kmod/lifecycle/managed_gpu.h"
#include "kmod/lifecycle/node_json.h"
#include "kmod/lifecycle/teardown_report.h"

static const char *state(const struct reconcile_result *result) {
    return result->facts.marker.legacy ? "legacy" : state_word_name(result->facts.word);
}

static const char *text(const char *value) {
    return value ? value : "";
}

static int reconcile_line(const struct reconcile_options *options,
                          const struct reconcile_result *result, const char *tag,
                          struct error *err) {
    const struct node_wishes *wishes = &options->wishes;
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, tag, "reconcile");
    telemetry_add(&event, "action", policy_action_name(result->decision.action));
    telemetry_add(&event, "reason", result->decision.reason);
    telemetry_add_bool(&event, "skip_build", result->skip_build);
    telemetry_add(&event, "status", result->status);
    telemetry_add_bool(&event, "gpu_node", wishes->gpu_node);
    telemetry_add_bool(&event, "skip_driver", wishes->skip_driver);
    telemetry_add(&event, "driver_type", wishes->driver_type);
    telemetry_add(&event, "driver_version", wishes->driver_version);
    telemetry_add(&event, "baked_version", result->facts.marker.values.driver_version);
    telemetry_add(&event, "state", state(result));
    telemetry_add_number(&event, "duration_ms", result->duration_ms);
    return telemetry_print(&event, err);
}

/* A node of one kind found the other kind's driver. */
static int kinds_line(const struct reconcile_options *options,
                      const struct reconcile_result *result, const char *tag, struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, tag, "grid_cuda_prebake_teardown");
    telemetry_add(&event, "driver_type", options->wishes.driver_type);
    telemetry_add(&event, "marker_kind", node_marker_kind(&result->facts.marker));
    telemetry_add(&event, "node_kind", policy_kind(options->wishes.driver_type));
    telemetry_add(&event, "action", strcmp(result->status, "done") ? result->status : "teardown");
    return telemetry_print(&event, err);
}

int reconcile_report_lines(const struct reconcile_options *options,
                           const struct reconcile_result *result, const char *tag,
                           struct error *err) {
    const struct node_wishes *wishes = &options->wishes;
    int printed = 0;
    if (!result->facts.marker.present)
        return 0;
    if (result->teardown.acted)
        printed =
            teardown_report_line(&result->teardown, tag, wishes->gpu_node ? "true" : "false", err);
    if (!printed && result->facts.policy.kind_differs && result->decision.install)
        printed = kinds_line(options, result, tag, err);
    if (!printed && node_wishes_managed(wishes))
        printed = managed_gpu_line(tag, wishes->driver_type, &result->facts.marker,
                                   result->facts.word, err);
    return printed ? printed : reconcile_line(options, result, tag, err);
}

int reconcile_report_json(const struct reconcile_options *options,
                          const struct reconcile_result *result, struct error *err) {
    const struct node_facts *facts = &result->facts;
    const struct node_wishes *wishes = &options->wishes;
    if (!facts->marker.present)
        return 0;
    json_t *document =
        json_pack("{s:i, s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:s, s:I}", "format", NODE_JSON_FORMAT,
                  "event", "reconcile", "action", policy_action_name(result->decision.action),
                  "reason", result->decision.reason, "skip_build", result->skip_build, "status",
                  result->status, "driver_version", text(wishes->driver_version), "baked_version",
                  text(facts->marker.values.driver_version), "state", state(result), "duration_ms",
                  (json_int_t)result->duration_ms);
    if (document && node_wishes_managed(wishes))
        json_object_set_new(document, "managed_gpu",
                            managed_gpu_json(wishes->driver_type, &facts->marker, facts->word));
    if (document && result->teardown.acted)
        json_object_set_new(document, "teardown", teardown_report_json(&result->teardown));
    if (document && facts->why.kind != ERROR_NONE)
        json_object_set_new(document, "why", node_json_text(facts->why.text));
    return node_json_print(document, err);
}
