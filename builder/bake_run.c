#include "builder/bake_run.h"

#include "base/interrupt.h"
#include "base/log.h"
#include "base/stopwatch.h"
#include "builder/bake_report.h"
#include "builder/baking.h"
#include "builder/plan_steps.h"

static int print_plan(const struct plan *plan, struct error *err) {
    AUTO_STRLIST struct strlist steps = {0};
    int rc = plan_steps_bake(plan, &steps, err);
    if (rc)
        return rc;
    if (plan->options->json)
        return bake_report_plan(plan, &steps, err);
    plan_steps_print(&steps);
    return 0;
}

/* The bake is there already; perhaps in the other layout. */
static int leave(struct plan *plan, const struct timespec *start, struct error *err) {
    int rc = baking_settle(plan, err);
    return rc ? rc : bake_report_unchanged(plan, start, err);
}

static const char *bundle_from(const struct plan *plan, const struct bundle *bundle) {
    if (plan->options->bundle)
        return "given";
    return bundle->reused ? "cached" : "built";
}

static int make_and_place(struct plan *plan, struct node_program *program,
                          const struct timespec *start, struct error *err) {
    AUTO_BUNDLE struct bundle bundle = {0};
    AUTO_PACKED_SET struct packed_set modules = {0};
    int rc = bundle_get(plan, &bundle, err);
    if (!rc)
        rc = packing_run(plan, &bundle, &modules, err);
    if (!rc)
        rc = interrupt_check(err);
    if (rc)
        return rc;
    log_step("placing %zu modules in %s%s", modules.count, plan->root->path,
             plan->module_dirs.items[0]);
    rc = baking_place(plan, program, &bundle, &modules, err);
    if (rc)
        return rc == 1 ? leave(plan, start, err) : rc;
    rc = baking_settle(plan, err);
    return rc ? rc : bake_report_done(plan, &modules, bundle_from(plan, &bundle), start, err);
}

int bake_run(struct command_call *call, struct error *err) {
    struct timespec start = stopwatch_start();
    struct bake_options options;
    int rc = bake_options_read(call, &options, err);
    if (rc)
        return rc;
    AUTO_PLAN struct plan plan = {0};
    rc = plan_make(&call->root, &options, &plan, err);
    if (rc)
        return rc;
    if (options.dry_run)
        return print_plan(&plan, err);
    AUTO_NODE_PROGRAM struct node_program program = {0};
    rc = node_program_find(plan.root, &program, err);
    if (!rc)
        rc = baking_look(&plan, &program, err);
    return rc == 1 ? leave(&plan, &start, err)
           : rc    ? rc
                   : make_and_place(&plan, &program, &start, err);
}
