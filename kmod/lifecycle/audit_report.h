/* What an audit found, as a list of findings. */
#ifndef KMOD_AUDIT_REPORT_H
#define KMOD_AUDIT_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

enum audit_layout { AUDIT_ABSENT, AUDIT_ACTIVE, AUDIT_PARKED };

/* "absent", "active", "parked". */
const char *audit_layout_name(enum audit_layout layout);

enum audit_weight {
    AUDIT_FACT,    /* as expected, or of no matter to it */
    AUDIT_FOREIGN, /* somebody else's */
    AUDIT_MISFIT,  /* not what the expected layout has */
};

struct audit_finding {
    const char *check; /* "index" */
    enum audit_weight weight;
    char *subject; /* the path or kernel it is about, "" for none */
    char *text;
};

/* All zero is empty. */
struct audit_report {
    enum audit_layout expected;
    bool unfinished; /* a change was begun and has not come to its end */
    struct audit_finding *items;
    size_t count;
    bool out_of_memory; /* a finding is missing */
};

/* Adds one, in order. `check` is a constant. */
void audit_report_add(struct audit_report *report, const char *check, enum audit_weight weight,
                      const char *subject, const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Whether there is a finding of that check; of any weight. */
bool audit_report_has(const struct audit_report *report, const char *check);

/* The first misfit, or NULL. */
const struct audit_finding *audit_report_misfit(const struct audit_report *report);

void audit_report_release(struct audit_report *report);
#define AUTO_AUDIT_REPORT AUTO(audit_report_release)

#endif
