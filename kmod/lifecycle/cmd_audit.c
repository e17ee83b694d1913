#include "kmod/lifecycle/cmd_audit.h"

#include <stdio.h>
#include <string.h>

#include "kmod/lifecycle/audit.h"
#include "kmod/lifecycle/node_json.h"
#include "kmod/module/printable.h"

static const char *weight_name(enum audit_weight weight) {
    static const char *const names[] = {
        [AUDIT_FACT] = "fact", [AUDIT_FOREIGN] = "foreign", [AUDIT_MISFIT] = "misfit"};
    return names[weight];
}

/* Paths can hold any byte. */
static void print_finding(const struct audit_finding *finding, bool is_first) {
    static const char *const notes[] = {
        [AUDIT_FACT] = "", [AUDIT_FOREIGN] = " (foreign)", [AUDIT_MISFIT] = " (DOES NOT FIT)"};
    AUTO_FREE char *subject = printable_copy(finding->subject),
                   *text = printable_copy(finding->text);
    printf("%-11s ", is_first ? finding->check : "");
    printf("%s%s%s%s\n", subject ? subject : "", *finding->subject ? ": " : "", text ? text : "",
           notes[finding->weight]);
}

static void print_text(const struct audit_report *report) {
    for (size_t i = 0; i < report->count; i++)
        print_finding(&report->items[i],
                      i == 0 || strcmp(report->items[i].check, report->items[i - 1].check) != 0);
    printf("%-11s %s\n", audit_layout_name(report->expected),
           audit_report_misfit(report) ? "no" : "yes");
}

static json_t *finding_json(const struct audit_finding *finding) {
    return json_pack("{s:s, s:o, s:o, s:s}", "check", finding->check, "subject",
                     node_json_text(finding->subject), "finding", node_json_text(finding->text),
                     "weight", weight_name(finding->weight));
}

static json_t *to_json(const struct audit_report *report) {
    json_t *list = json_array();
    for (size_t i = 0; i < report->count; i++)
        if (json_array_append_new(list, finding_json(&report->items[i]))) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:i, s:s, s:b, s:b, s:o}", "format", NODE_JSON_FORMAT, "expected",
                     audit_layout_name(report->expected), "fits", !audit_report_misfit(report),
                     "unfinished", report->unfinished, "findings", list);
}

static int run(struct command_call *call, struct error *err) {
    AUTO_AUDIT_REPORT struct audit_report report = {0};
    const struct audit_options options = {.expected = command_value(call, "expect")};
    int rc = audit_run(&call->root, &options, &report, err);
    if (rc)
        return rc;
    if (command_given(call, "json"))
        rc = node_json_print(to_json(&report), err);
    else
        print_text(&report);
    return rc ? rc : audit_judge(&call->root, &report, err);
}

const struct command cmd_audit = {
    .verb = "audit",
    .summary = "look everywhere for the bake, and whether that is as it should be",
    .details = "Reads records, DKMS, module indexes, module files, the loader's cache, privileged\n"
               "files, module configuration, PATH and every initramfs in /boot; changes nothing.\n"
               "What belongs to somebody else is said and does not matter. Something that the\n"
               "expected layout does not have is exit status 7, a change that has not come to its\n"
               "end is 3. Without --expect the root's own state says what to expect.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"expect", "LAYOUT", "what the root should be", "active|parked|absent"},
            {"json", NULL, "print the findings as JSON", NULL},
        },
    .run = run,
};
