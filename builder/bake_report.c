#include "builder/bake_report.h"

#include "base/stopwatch.h"
#include "base/telemetry.h"
#include "builder/json_text.h"

#define REPORT_FORMAT 1

/* Takes the document; `failed`: something could not be put into it. */
static int print_json(json_t *document, int failed, struct error *err) {
    AUTO_JSON json_t *owned = document;
    return failed ? error_oom(err, "printing the result") : json_text_print(owned, err);
}

/* NULL, which stands for none, without one. */
static json_t *userspace_json(const struct plan *plan) {
    const struct userspace *userspace = &plan->userspace;
    if (!plan->options->userspace)
        return NULL;
    return json_pack("{s:s, s:I, s:I, s:I, s:I, s:o}", "sha256", plan->userspace_digest, "files",
                     (json_int_t)userspace->files, "links", (json_int_t)userspace->links,
                     "directories", (json_int_t)userspace->dirs, "bytes",
                     (json_int_t)userspace->bytes, "privileged",
                     json_text_list(&userspace->privileged));
}

static json_t *plan_json(const struct plan *plan, const char *status) {
    return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o*}", "format",
                     REPORT_FORMAT, "event", "bake", "status", status, "kernel",
                     plan->headers.release, "arch", plan->headers.machine, "module",
                     plan->conf.name, "driver_version", plan->conf.version, "driver_kind",
                     plan->options->driver_kind, "compression", compression_name(plan->compression),
                     "bundle", plan->bundle_id, "userspace", userspace_json(plan));
}

int bake_report_plan(const struct plan *plan, const struct strlist *steps, struct error *err) {
    json_t *document = plan_json(plan, "planned");
    int failed = json_object_set_new(document, "steps", json_text_list(steps));
    return print_json(document, failed, err);
}

static json_t *modules_json(const struct plan *plan, const struct packed_set *set) {
    AUTO_JSON json_t *list = json_array();
    for (size_t i = 0; i < set->count; i++) {
        const struct packed_module *module = &set->modules[i];
        json_t *one =
            json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "name", module->facts.name, "file",
                      module->file_name, "folder", plan->module_dirs.items[i], "build_id",
                      module->facts.build_id, "size", (json_int_t)module->content.size, "signer",
                      module->signature.signer ? module->signature.signer : "");
        if (json_array_append_new(list, one))
            return NULL;
    }
    return STEAL(list);
}

static int print_line(const struct plan *plan, const char *status, const char *from,
                      long long duration, struct error *err) {
    AUTO_TELEMETRY struct telemetry event;
    telemetry_begin(&event, NULL, "bake");
    telemetry_add(&event, "status", status);
    telemetry_add(&event, "kernel", plan->headers.release);
    telemetry_add(&event, "module", plan->conf.name);
    telemetry_add(&event, "driver_version", plan->conf.version);
    telemetry_add(&event, "driver_kind", plan->options->driver_kind);
    telemetry_add(&event, "bundle", from);
    telemetry_add_bool(&event, "signed", plan->options->sign_key != NULL);
    telemetry_add(&event, "compression", compression_name(plan->compression));
    telemetry_add_number(&event, "duration_ms", duration);
    return telemetry_print(&event, err);
}

int bake_report_done(const struct plan *plan, const struct packed_set *modules, const char *from,
                     const struct timespec *start, struct error *err) {
    long long duration = stopwatch_milliseconds(start);
    if (!plan->options->json)
        return print_line(plan, "baked", from, duration, err);
    json_t *document = plan_json(plan, "baked");
    int failed = json_object_set_new(document, "modules", modules_json(plan, modules)) ||
                 json_object_set_new(document, "duration_ms", json_integer(duration));
    return print_json(document, failed, err);
}

int bake_report_unchanged(const struct plan *plan, const struct timespec *start,
                          struct error *err) {
    long long duration = stopwatch_milliseconds(start);
    if (!plan->options->json)
        return print_line(plan, "unchanged", "unused", duration, err);
    json_t *document = plan_json(plan, "unchanged");
    int failed = json_object_set_new(document, "duration_ms", json_integer(duration));
    return print_json(document, failed, err);
}
