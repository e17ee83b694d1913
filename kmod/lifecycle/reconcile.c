#include "kmod/lifecycle/reconcile.h"

#include "base/file.h"
#include "base/stopwatch.h"
#include "kmod/lifecycle/activate.h"
#include "kmod/lifecycle/facts_write.h"
#include "kmod/lifecycle/legacy_teardown.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/recording.h"
#include "kmod/lifecycle/state_folder.h"

/* One run. */
struct reconcile {
    const struct root *root;
    const struct reconcile_options *options;
    struct reconcile_result *result;
};

static bool stays(const struct policy_decision *decision) {
    return decision->action == POLICY_KEEP || decision->action == POLICY_ACTIVATE;
}

static int decide(const struct reconcile *run, struct error *err) {
    const struct node_wishes *wishes = &run->options->wishes;
    struct node_facts *facts = &run->result->facts;
    int rc = node_facts_look(run->root, wishes, facts, err);
    if (rc)
        return rc;
    run->result->decision = policy_decide(&facts->policy);
    if (!stays(&run->result->decision))
        return 0;
    rc = node_facts_look_closer(run->root, wishes, run->options->observe, facts, err);
    run->result->decision = policy_decide(&facts->policy);
    return rc;
}

/* The content of everything was read: the next run need not. */
static int record_copied(const struct reconcile *run, struct error *err) {
    struct node_facts *facts = &run->result->facts;
    if (!facts->copied || run->result->decision.action != POLICY_KEEP)
        return 0;
    int rc = recording_renew(run->root, &facts->manifest, &facts->bake, err);
    if (!rc)
        rc = facts_write(run->root, &facts->bake, err);
    return rc ? rc : file_sync_fs(run->root, STATE_FOLDER, err);
}

/* Nobody changes the records while they are read. A folder that can't be believed is the facts'
 * matter. */
static int decide_locked(const struct reconcile *run, struct error *err) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error reason = {0};
    int rc = lock_take(run->root, run->options->lock_wait, &lock, &reason);
    if (rc && rc != -ENOENT && reason.kind != ERROR_REFUSED) {
        if (err)
            *err = reason;
        return rc;
    }
    rc = decide(run, err);
    return rc ? rc : record_copied(run, err);
}

static int must_install(const struct reconcile *run, const char *done, struct error *err) {
    return error_set(err, ERROR_MISMATCH, ESTALE, "%s: %s (%s); install the driver in full",
                     run->result->facts.why.text, done, run->result->decision.reason);
}

/* In whatever state the loaded modules are, the files go. */
static int run_teardown(const struct reconcile *run, struct error *err) {
    const struct teardown_options options = {.lock_wait = run->options->lock_wait,
                                             .force_files = true};
    struct teardown_result *result = &run->result->teardown;
    return run->result->facts.marker.legacy
               ? legacy_teardown_run(run->root, run->options->wishes.legacy_marker, &options,
                                     result, err)
               : teardown_run(run->root, &options, result, err);
}

/* What is too damaged to be torn down never keeps a node from getting its driver. */
static int tear_down(const struct reconcile *run, struct error *err) {
    struct error reason = {0};
    const struct policy_decision *decision = &run->result->decision;
    int rc = run_teardown(run, &reason);
    run->result->status = rc ? "incomplete" : "done";
    if (!rc)
        return decision->install ? must_install(run, "the bake was removed", err) : 0;
    bool untouched = reason.kind == ERROR_REFUSED || reason.kind == ERROR_DAMAGED;
    if (untouched && decision->install)
        return must_install(run, reason.text, err);
    if (untouched)
        reason.kind = ERROR_INCOMPLETE;
    if (err)
        *err = reason;
    return rc;
}

/* A bake that turns out to be damaged when it is moved is one that does not match. */
static int activate(const struct reconcile *run, struct error *err) {
    const struct activate_options options = {.lock_wait = run->options->lock_wait,
                                             .any_kernel = true};
    struct activate_result activated;
    struct error reason = {0};
    int rc = activate_run(run->root, &options, &activated, &reason);
    run->result->skip_build = !rc;
    run->result->status = rc ? "incomplete" : "done";
    if (!rc)
        return 0;
    if (reason.kind == ERROR_DAMAGED || reason.kind == ERROR_REFUSED ||
        reason.kind == ERROR_MISMATCH) {
        run->result->facts.why = reason;
        run->result->decision = (struct policy_decision){POLICY_TEARDOWN, "damaged", true};
        return tear_down(run, err);
    }
    if (err)
        *err = reason;
    return rc;
}

/* A teardown that was killed after its marker had gone is ended. */
static int do_nothing(const struct reconcile *run, struct error *err) {
    struct node_facts *facts = &run->result->facts;
    if (facts->policy.marker_refused) {
        if (err)
            *err = facts->why;
        return -EPERM;
    }
    return facts->word == STATE_TEARING_DOWN ? run_teardown(run, err) : 0;
}

static int act(const struct reconcile *run, struct error *err) {
    switch (run->result->decision.action) {
    case POLICY_NOTHING:
        return do_nothing(run, err);
    case POLICY_KEEP:
        run->result->skip_build = true;
        run->result->status = "done";
        return 0;
    case POLICY_ACTIVATE:
        return activate(run, err);
    case POLICY_TEARDOWN:
        return tear_down(run, err);
    }
    return 0;
}

/* The driver as it stands decides, not what would become of it. */
static int observe(const struct reconcile *run, struct error *err) {
    const struct policy_decision *decision = &run->result->decision;
    run->result->skip_build = decision->action == POLICY_KEEP;
    run->result->status = "observed";
    if (decision->action == POLICY_ACTIVATE)
        return error_set(err, ERROR_MISMATCH, ESTALE,
                         "the bake of %s/ matches and is not active; nothing was changed",
                         run->root->path);
    if (decision->action == POLICY_TEARDOWN && decision->install)
        return must_install(run, "nothing was changed", err);
    if (!run->result->facts.policy.marker_refused)
        return 0;
    if (err)
        *err = run->result->facts.why;
    return -EPERM;
}

int reconcile_run(const struct root *root, const struct reconcile_options *options,
                  struct reconcile_result *result, struct error *err) {
    *result = (struct reconcile_result){.decision = {.reason = ""}, .status = "incomplete"};
    const struct reconcile run = {.root = root, .options = options, .result = result};
    struct timespec start = stopwatch_start();
    int rc = options->observe ? decide(&run, err) : decide_locked(&run, err);
    if (!rc)
        rc = options->observe ? observe(&run, err) : act(&run, err);
    result->duration_ms = stopwatch_milliseconds(&start);
    return rc;
}

void reconcile_result_release(struct reconcile_result *result) {
    node_facts_release(&result->facts);
}
