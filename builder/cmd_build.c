#include "builder/cmd_build.h"

#include "base/stopwatch.h"
#include "base/telemetry.h"
#include "builder/bundle_export.h"
#include "builder/json_text.h"
#include "builder/plan_steps.h"

#define FORMAT 1 /* of --json */

struct build {
    struct plan plan;
    const char *output;
    struct timespec start;
};

static int print_line(const struct build *build, const char *status, struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, NULL, "build");
    telemetry_add(&event, "status", status);
    telemetry_add(&event, "kernel", build->plan.headers.release);
    telemetry_add(&event, "module", build->plan.conf.name);
    telemetry_add(&event, "driver_version", build->plan.conf.version);
    telemetry_add(&event, "bundle", build->plan.bundle_id);
    telemetry_add_number(&event, "duration_ms", stopwatch_milliseconds(&build->start));
    return telemetry_print(&event, err);
}

/* The steps come with a plan alone. */
static int print_json(const struct build *build, const char *status, const struct strlist *steps,
                      struct error *err) {
    const struct plan *plan = &build->plan;
    json_t *list = steps ? json_text_list(steps) : NULL;
    if (steps && !list)
        return error_oom(err, "printing the result");
    AUTO_JSON json_t *document =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:o*}", "format", FORMAT,
                  "event", "build", "status", status, "kernel", plan->headers.release, "arch",
                  plan->headers.machine, "module", plan->conf.name, "driver_version",
                  plan->conf.version, "bundle", plan->bundle_id, "path", json_text(build->output),
                  "duration_ms", (json_int_t)stopwatch_milliseconds(&build->start), "steps", list);
    return document ? json_text_print(document, err) : error_oom(err, "printing the result");
}

static int print_result(const struct build *build, const char *status, struct error *err) {
    return build->plan.options->json ? print_json(build, status, NULL, err)
                                     : print_line(build, status, err);
}

static int print_plan(const struct build *build, struct error *err) {
    AUTO_STRLIST struct strlist steps = {0};
    int rc = plan_steps_build(&build->plan, build->output, &steps, err);
    if (rc || build->plan.options->json)
        return rc ? rc : print_json(build, "planned", &steps, err);
    plan_steps_print(&steps);
    return 0;
}

static int make(const struct build *build, struct error *err) {
    AUTO_BUNDLE struct bundle bundle = {0};
    int rc = bundle_get(&build->plan, &bundle, err);
    if (!rc)
        rc = bundle_export(&build->plan, &bundle, build->output, err);
    return rc ? rc : print_result(build, bundle.reused ? "cached" : "built", err);
}

static void release(struct build *build) {
    plan_release(&build->plan);
}

static int run(struct command_call *call, struct error *err) {
    AUTO(release)
    struct build build = {.plan = {.userspace = USERSPACE_INIT},
                          .output = command_value(call, "output"),
                          .start = stopwatch_start()};
    struct bake_options options;
    int rc = bake_options_read(call, &options, err);
    if (rc)
        return rc;
    if (!build.output)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--output is missing: name the folder that is to hold the bundle");
    options.ignore_scripts = true; /* whoever installs it is asked */
    rc = plan_make_build(&call->root, &options, &build.plan, err);
    if (!rc)
        rc = bundle_export_look(&build.plan, build.output, err);
    if (rc < 0)
        return rc;
    if (options.dry_run)
        return print_plan(&build, err);
    return rc == 1 ? print_result(&build, "unchanged", err) : make(&build, err);
}

const struct command cmd_build = {
    .verb = "build",
    .summary = "compile modules into a bundle, for 'prebake install'",
    .details =
        "The first half of a bake: compiles the modules of a DKMS source against the kernel\n"
        "headers of --root, proves that they will load there, and puts them into a new folder,\n"
        "unsigned and unpacked, with their source tree and what they were made from. The root\n"
        "is not changed. The same inputs give the same bytes.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"output", "DIR", "the folder to make (its parent exists)", NULL},
            BAKE_OPTIONS_COMPILING,
            {"dry-run", NULL, "print the steps and change nothing", NULL},
            {"json", NULL, "print the result as JSON", NULL},
        },
    .run = run,
};
