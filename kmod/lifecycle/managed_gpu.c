#include "kmod/lifecycle/managed_gpu.h"

#include "kmod/lifecycle/node_line.h"
#include "kmod/lifecycle/policy.h"

bool managed_gpu_kind_matches(const char *driver_type, const struct node_marker *marker) {
    return marker_matches(node_marker_kind(marker), policy_kind(driver_type));
}

int managed_gpu_line(const char *tag, const char *driver_type, const struct node_marker *marker,
                     enum state_word word, struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, tag, "managed_gpu");
    telemetry_add(&event, "driver_type", driver_type);
    telemetry_add_bool(&event, "marker_present", marker->present);
    telemetry_add_bool(&event, "driver_kind_match", managed_gpu_kind_matches(driver_type, marker));
    telemetry_add(&event, "marker_kind", node_marker_kind(marker));
    telemetry_add(&event, "node_kind", policy_kind(driver_type));
    telemetry_add(&event, "state", marker->legacy ? "legacy" : state_word_name(word));
    return node_line_print(&event, err);
}
