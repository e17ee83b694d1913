#include "builder/cmd_verify.h"

#include <stdio.h>

#include "builder/json_text.h"
#include "builder/module_set.h"
#include "kmod/module/printable.h"
#include "kmod/module/verify.h"
#include "toolchain/kernel_headers.h"

#define FORMAT 1 /* of --json */

static int read_headers(const struct command_call *call, struct kernel_headers *headers,
                        struct error *err) {
    const char *release = command_value(call, "kernel");
    AUTO_FREE char *chosen = NULL;
    if (!release) {
        int rc = kernel_headers_choose(&call->root, &chosen, err);
        if (rc < 0)
            return rc;
        release = chosen;
    }
    return kernel_headers_read(&call->root, release, headers, err);
}

static int read_modules(const struct command_call *call, struct module_set *set,
                        struct error *err) {
    if (call->operands.count == 0)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "name the modules to verify, or a directory that holds them");
    for (size_t i = 0; i < call->operands.count; i++) {
        int rc = module_set_add(set, call->operands.items[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int verify(const struct command_call *call, const struct kernel_headers *headers,
                  const struct module_set *set, struct verify_report *report, struct error *err) {
    AUTO_FREE char *directory = root_host_path(&call->root, headers->build_dir);
    AUTO_FREE char *symvers = NULL;
    if (!directory || asprintf(&symvers, "%s/Module.symvers", directory) < 0) {
        symvers = NULL;
        return error_oom(err, "verifying modules");
    }
    struct verify_target target = {
        .release = headers->release,
        .vermagic = headers->vermagic,
        .elf_machine = headers->elf_machine,
        .modversions = headers->modversions,
        .symvers = buffer_string(&headers->symvers),
        .symvers_size = headers->symvers.size,
        .symvers_name = symvers,
    };
    return verify_modules(&target, set->files, set->count, report, err);
}

static int print_verdict(const struct verify_verdict *verdict, const char *release) {
    AUTO_FREE char *file = printable_copy(verdict->file);
    if (!file)
        return -ENOMEM;
    printf("%s: %s on %s\n", file, verdict->failure_count == 0 ? "will load" : "will not load",
           release);
    for (size_t i = 0; i < verdict->failure_count; i++)
        printf("    %s: %s\n", verdict->failures[i].check, verdict->failures[i].text);
    if (verdict->failures_left_out > 0)
        printf("    and %zu more\n", verdict->failures_left_out);
    return 0;
}

static json_t *failure_json(const struct verify_failure *failure) {
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "check", failure->check, "symbol",
                     json_text(failure->symbol), "wanted", json_text(failure->wanted), "found",
                     json_text(failure->found), "source", json_text(failure->source), "text",
                     json_text(failure->text));
}

static json_t *verdict_json(const struct verify_verdict *verdict) {
    json_t *failures = json_array();
    for (size_t i = 0; i < verdict->failure_count; i++) {
        if (json_array_append_new(failures, failure_json(&verdict->failures[i])) != 0) {
            json_decref(failures);
            return NULL;
        }
    }
    return json_pack("{s:o, s:b, s:o, s:I}", "file", json_text(verdict->file), "loads",
                     verdict->failure_count == 0, "failures", failures, "failures_left_out",
                     (json_int_t)verdict->failures_left_out);
}

/* Shows one verdict: as text, or as one more item of `modules` when there is such an array. */
static int show_verdict(const struct verify_verdict *verdict, const char *release, json_t *modules,
                        struct error *err) {
    int rc = modules ? json_array_append_new(modules, verdict_json(verdict))
                     : print_verdict(verdict, release);
    return rc != 0 ? error_oom(err, "showing verdicts") : 0;
}

static int show_verdicts(const struct module_set *set, const struct verify_report *report,
                         const char *release, json_t *modules, struct error *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < set->unreadable.count; i++) {
        struct verify_failure failure = {.check = "file", .text = set->reasons.items[i]};
        struct verify_verdict verdict = {
            .file = set->unreadable.items[i], .failures = &failure, .failure_count = 1};
        rc = show_verdict(&verdict, release, modules, err);
    }
    for (size_t i = 0; rc == 0 && i < report->count; i++)
        rc = show_verdict(&report->verdicts[i], release, modules, err);
    return rc;
}

static int show_json(const struct module_set *set, const struct verify_report *report,
                     const struct kernel_headers *headers, struct error *err) {
    AUTO_JSON json_t *modules = json_array();
    if (!modules)
        return error_oom(err, "showing verdicts");
    int rc = show_verdicts(set, report, headers->release, modules, err);
    if (rc < 0)
        return rc;
    AUTO_JSON json_t *document =
        json_pack("{s:i, s:s, s:o, s:o, s:I, s:I, s:O}", "format", FORMAT, "command", "verify",
                  "kernel", json_text(headers->release), "vermagic", json_text(headers->vermagic),
                  "checked", (json_int_t)(set->unreadable.count + report->count), "failed",
                  (json_int_t)(set->unreadable.count + report->failed), "modules", modules);
    return document ? json_text_print(document, err) : error_oom(err, "showing verdicts");
}

static int run(struct command_call *call, struct error *err) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {.release = NULL};
    AUTO_MODULE_SET struct module_set set = {.files = NULL};
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    int rc = read_modules(call, &set, err);
    if (rc == 0)
        rc = read_headers(call, &headers, err);
    if (rc == 0)
        rc = verify(call, &headers, &set, &report, err);
    if (rc == 0)
        rc = command_given(call, "json") ? show_json(&set, &report, &headers, err)
                                         : show_verdicts(&set, &report, headers.release, NULL, err);
    size_t failed = set.unreadable.count + report.failed;
    if (rc < 0 || failed == 0)
        return rc;
    return error_set(err, ERROR_DAMAGED, ENOEXEC, "%zu of %zu modules will not load on %s", failed,
                     set.unreadable.count + report.count, headers.release);
}

const struct command cmd_verify = {
    .verb = "verify",
    .arguments = "FILE|DIR...",
    .summary = "prove that modules will load on a kernel",
    .details = "All files are one set: they may use each other's exports. Checked are machine,\n"
               "vermagic, every imported symbol and its CRC, licence and namespaces, against\n"
               "the headers and Module.symvers of the kernel. Exit status 7 when one fails.",
    .needs = COMMAND_NEEDS_TREE,
    .options =
        {
            {"kernel", "RELEASE", "the kernel; needed when --root has headers of several", NULL},
            {"json", NULL, "print the verdicts as JSON", NULL},
        },
    .run = run,
};
