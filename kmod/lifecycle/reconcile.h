/*
 * One run for a node that has booted: from what it wants and what its image carries, do one of
 * nothing, keep, activate, tear down (policy.h).
 *
 *     lock → facts → decision → unlock → what the decision says, under a lock of its own
 *
 * A bake that matches and is active is left alone: nothing is started, and nothing is written but,
 * once in a root that was copied file by file, what the system knows of the files now.
 */
#ifndef KMOD_RECONCILE_H
#define KMOD_RECONCILE_H

#include "kmod/lifecycle/node_facts.h"
#include "kmod/lifecycle/teardown.h"

struct reconcile_options {
    struct node_wishes wishes;
    unsigned lock_wait; /* seconds */
    bool observe;       /* decide and change nothing at all */
};

struct reconcile_result {
    struct node_facts facts; /* as they were before */
    struct policy_decision decision;
    const char *status; /* "done" what was decided, to its end; "incomplete"; "observed" */
    bool skip_build;    /* the driver that the node wants is in place */
    struct teardown_result teardown; /* when it acted */
    unsigned duration_ms;
};

/*
 * ERROR_MISMATCH: the node wants a driver and not this one, which is gone now (when observing:
 * would be, or would have to be activated); also when what was damaged could not be removed.
 * ERROR_INCOMPLETE: something of the bake is left, run it again; this one wins. ERROR_REFUSED: the
 * marker is not to be believed, nothing was touched. ERROR_LOCKED; I/O errors. The caller releases
 * `result` in any case.
 */
int reconcile_run(const struct root *root, const struct reconcile_options *options,
                  struct reconcile_result *result, struct error *err) MUST_CHECK;

void reconcile_result_release(struct reconcile_result *result);
#define AUTO_RECONCILE_RESULT AUTO(reconcile_result_release)

#endif
