/*
 * What a node does with the bake it carries. A pure decision: facts in, an action and its reason
 * out, nothing is looked at here. The first row of the table that is true decides:
 *
 *     fact, also the reason   action
 *     no_marker               nothing
 *     marker_refused          nothing, and an error: a newer format, or others can write it
 *     not_gpu_node            teardown
 *     skip_driver             teardown
 *     teardown_begun          teardown, then install in full: one that did not come to its end
 *     marker_damaged          teardown, then install in full (the reason is "damaged")
 *     kind_differs            teardown, then install in full
 *     version_differs         teardown, then install in full
 *     kernel_differs          teardown, then install in full
 *     arch_differs            teardown, then install in full
 *     symvers_differ          teardown, then install in full
 *     gpu_unsupported         teardown, then install in full
 *     damaged                 teardown, then install in full
 *     inactive                activate (the reason is "matches")
 *     matches                 keep
 *
 * The reasons are stable words: telemetry and scripts have them.
 */
#ifndef KMOD_POLICY_H
#define KMOD_POLICY_H

#include <stdbool.h>

enum policy_action { POLICY_NOTHING, POLICY_KEEP, POLICY_ACTIVATE, POLICY_TEARDOWN };

/* What would have to be found out is false until it is. */
struct policy_facts {
    bool no_marker;
    bool marker_refused;
    bool not_gpu_node; /* --gpu-node=false */
    bool skip_driver;
    bool teardown_begun;
    bool marker_damaged;
    bool kind_differs;    /* a side that is empty or unknown differs */
    bool version_differs; /* the same */
    bool kernel_differs;
    bool arch_differs;
    bool symvers_differ;
    bool gpu_unsupported; /* an NVIDIA GPU that no baked module is for */
    bool damaged;         /* something of the bake is not what was placed */
    bool inactive;        /* parked, or on the way to or from it */
};

struct policy_decision {
    enum policy_action action;
    const char *reason; /* a constant */
    bool install;       /* the node wants a driver, and it is not this one */
};

struct policy_decision policy_decide(const struct policy_facts *facts);

/* "none", "keep", "activate", "teardown". */
const char *policy_action_name(enum policy_action action);

/* The kind that a driver type or a marker's driver_kind stands for: "cuda" for cuda*, "grid" for
 * grid*, else "", which matches nothing. NULL is "". */
const char *policy_kind(const char *type);

#endif
