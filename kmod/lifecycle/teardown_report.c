#include "kmod/lifecycle/teardown_report.h"

#include "base/telemetry.h"
#include "kmod/lifecycle/node_json.h"

static const char *status(const struct teardown_result *result) {
    return result->complete ? "cleaned" : "incomplete";
}

int teardown_report_line(const struct teardown_result *result, const char *tag,
                         const char *gpu_node, struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, tag, "teardown");
    telemetry_add(&event, "gpu_node", gpu_node);
    telemetry_add(&event, "status", status(result));
    telemetry_add_bool(&event, "dkms_before", result->dkms_before);
    telemetry_add_bool(&event, "module_before", result->module_before);
    telemetry_add_bool(&event, "module_after", result->module_after);
    telemetry_add_bool(&event, "marker_after", result->marker_after);
    telemetry_add_bool(&event, "dkms_after", result->dkms_after);
    telemetry_add_bool(&event, "modprobe_after", result->modprobe_after);
    telemetry_add_number(&event, "foreign", result->foreign);
    telemetry_add(&event, "initramfs", teardown_initramfs_name(result->initramfs));
    telemetry_add_number(&event, "duration_ms", result->duration_ms);
    return telemetry_print(&event, err);
}

json_t *teardown_report_json(const struct teardown_result *result) {
    return json_pack(
        "{s:i, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b, s:I, s:s, s:I}", "format", NODE_JSON_FORMAT,
        "event", "teardown", "status", status(result), "dkms_before", result->dkms_before,
        "module_before", result->module_before, "module_after", result->module_after,
        "marker_after", result->marker_after, "dkms_after", result->dkms_after, "modprobe_after",
        result->modprobe_after, "foreign", (json_int_t)result->foreign, "initramfs",
        teardown_initramfs_name(result->initramfs), "duration_ms", (json_int_t)result->duration_ms);
}
