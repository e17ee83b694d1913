#include "kmod/lifecycle/managed_gpu.h"

#include "base/telemetry.h"
#include "kmod/lifecycle/policy.h"

static bool kind_matches(const char *driver_type, const struct node_marker *marker) {
    return marker_matches(node_marker_kind(marker), policy_kind(driver_type));
}

static const char *state(const struct node_marker *marker, enum state_word word) {
    return marker->legacy ? "legacy" : state_word_name(word);
}

int managed_gpu_line(const char *tag, const char *driver_type, const struct node_marker *marker,
                     enum state_word word, struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, tag, "managed_gpu");
    telemetry_add(&event, "driver_type", driver_type);
    telemetry_add_bool(&event, "marker_present", marker->present);
    telemetry_add_bool(&event, "driver_kind_match", kind_matches(driver_type, marker));
    telemetry_add(&event, "marker_kind", node_marker_kind(marker));
    telemetry_add(&event, "node_kind", policy_kind(driver_type));
    telemetry_add(&event, "state", state(marker, word));
    return telemetry_print(&event, err);
}

json_t *managed_gpu_json(const char *driver_type, const struct node_marker *marker,
                         enum state_word word) {
    return json_pack("{s:s, s:b, s:b, s:s, s:s, s:s}", "driver_type",
                     driver_type ? driver_type : "", "marker_present", marker->present,
                     "driver_kind_match", kind_matches(driver_type, marker), "marker_kind",
                     node_marker_kind(marker), "node_kind", policy_kind(driver_type), "state",
                     state(marker, word));
}
