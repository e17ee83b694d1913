#include "kmod/lifecycle/policy.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

/* The table of the header, row by row. */
static const struct policy_row {
    size_t fact;
    const char *reason;
    enum policy_action action;
    bool install;
} rows[] = {
    {offsetof(struct policy_facts, no_marker), "no_marker", POLICY_NOTHING, false},
    {offsetof(struct policy_facts, marker_refused), "marker_refused", POLICY_NOTHING, false},
    {offsetof(struct policy_facts, not_gpu_node), "not_gpu_node", POLICY_TEARDOWN, false},
    {offsetof(struct policy_facts, skip_driver), "skip_driver", POLICY_TEARDOWN, false},
    {offsetof(struct policy_facts, teardown_begun), "teardown_begun", POLICY_TEARDOWN, true},
    {offsetof(struct policy_facts, marker_damaged), "damaged", POLICY_TEARDOWN, true},
    {offsetof(struct policy_facts, kind_differs), "kind_differs", POLICY_TEARDOWN, true},
    {offsetof(struct policy_facts, version_differs), "version_differs", POLICY_TEARDOWN, true},
    {offsetof(struct policy_facts, kernel_differs), "kernel_differs", POLICY_TEARDOWN, true},
    {offsetof(struct policy_facts, arch_differs), "arch_differs", POLICY_TEARDOWN, true},
    {offsetof(struct policy_facts, symvers_differ), "symvers_differ", POLICY_TEARDOWN, true},
    {offsetof(struct policy_facts, gpu_unsupported), "gpu_unsupported", POLICY_TEARDOWN, true},
    {offsetof(struct policy_facts, damaged), "damaged", POLICY_TEARDOWN, true},
    {offsetof(struct policy_facts, inactive), "matches", POLICY_ACTIVATE, false},
};

struct policy_decision policy_decide(const struct policy_facts *facts) {
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (*(const bool *)((const char *)facts + rows[i].fact))
            return (struct policy_decision){rows[i].action, rows[i].reason, rows[i].install};
    return (struct policy_decision){POLICY_KEEP, "matches", false};
}

const char *policy_action_name(enum policy_action action) {
    static const char *const names[] = {"none", "keep", "activate", "teardown"};
    return names[action];
}

const char *policy_kind(const char *type) {
    static const char *const kinds[] = {"cuda", "grid"};
    for (size_t i = 0; type && i < ARRAY_SIZE(kinds); i++)
        if (!strncmp(type, kinds[i], strlen(kinds[i])))
            return kinds[i];
    return "";
}
