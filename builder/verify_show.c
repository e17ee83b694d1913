#include "builder/verify_show.h"

#include <stdio.h>
#include <string.h>

#include "builder/json_text.h"
#include "kmod/module/printable.h"

#define FORMAT 1 /* of --json */

/* Where a wanted value comes from, unless the sentence says it. */
static void print_failure(const struct verify_failure *failure) {
    printf("    %s: %s", failure->check, failure->text);
    if (failure->source && !strstr(failure->text, failure->source))
        printf(" (%s)", failure->source);
    putchar('\n');
}

static int print_verdict(const struct verify_verdict *verdict, const char *release) {
    AUTO_FREE char *file = printable_copy(verdict->file);
    if (!file)
        return -ENOMEM;
    printf("%s: %s on %s\n", file, verdict->failure_count == 0 ? "will load" : "will not load",
           release);
    for (size_t i = 0; i < verdict->failure_count; i++)
        print_failure(&verdict->failures[i]);
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

static int show_all(const struct module_set *set, const struct verify_report *report,
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

int verify_show_json(const struct module_set *set, const struct verify_report *report,
                     const struct kernel_headers *headers, struct error *err) {
    AUTO_JSON json_t *modules = json_array();
    if (!modules)
        return error_oom(err, "showing verdicts");
    int rc = show_all(set, report, headers->release, modules, err);
    if (rc < 0)
        return rc;
    AUTO_JSON json_t *document =
        json_pack("{s:i, s:s, s:o, s:o, s:I, s:I, s:O}", "format", FORMAT, "command", "verify",
                  "kernel", json_text(headers->release), "vermagic", json_text(headers->vermagic),
                  "checked", (json_int_t)(set->unreadable.count + report->count), "failed",
                  (json_int_t)(set->unreadable.count + report->failed), "modules", modules);
    return document ? json_text_print(document, err) : error_oom(err, "showing verdicts");
}

int verify_show_text(const struct module_set *set, const struct verify_report *report,
                     const struct kernel_headers *headers, struct error *err) {
    return show_all(set, report, headers->release, NULL, err);
}
