#include "kmod/lifecycle/audit_report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *audit_layout_name(enum audit_layout layout) {
    static const char *const names[] = {
        [AUDIT_ABSENT] = "absent", [AUDIT_ACTIVE] = "active", [AUDIT_PARKED] = "parked"};
    return names[layout];
}

static struct audit_finding *add(struct audit_report *report) {
    struct audit_finding *grown =
        reallocarray(report->items, report->count + 1, sizeof *report->items);
    if (!grown)
        return NULL;
    report->items = grown;
    return &grown[report->count];
}

void audit_report_add(struct audit_report *report, const char *check, enum audit_weight weight,
                      const char *subject, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *text = NULL;
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    AUTO_FREE char *copy = strdup(subject);
    struct audit_finding *finding = text && copy ? add(report) : NULL;
    if (!finding) {
        report->out_of_memory = true;
        return;
    }
    *finding = (struct audit_finding){check, weight, STEAL(copy), STEAL(text)};
    report->count++;
}

bool audit_report_has(const struct audit_report *report, const char *check) {
    for (size_t i = 0; i < report->count; i++)
        if (!strcmp(report->items[i].check, check))
            return true;
    return false;
}

const struct audit_finding *audit_report_misfit(const struct audit_report *report) {
    for (size_t i = 0; i < report->count; i++)
        if (report->items[i].weight == AUDIT_MISFIT)
            return &report->items[i];
    return NULL;
}

void audit_report_release(struct audit_report *report) {
    for (size_t i = 0; i < report->count; i++) {
        free(report->items[i].subject);
        free(report->items[i].text);
    }
    free(report->items);
    *report = (struct audit_report){0};
}
