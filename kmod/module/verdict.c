#include "kmod/module/verdict.h"

#include <stdarg.h>
#include <stdio.h>

#include "kmod/module/printable.h"

static void release_failure(struct verify_failure *failure) {
    free(failure->symbol);
    free(failure->wanted);
    free(failure->found);
    free(failure->source);
    free(failure->text);
}

/* A printable copy; NULL stays NULL and is no failure. */
static bool copy(const char *from, char **to) {
    *to = from ? printable_copy(from) : NULL;
    return *to || !from;
}

static int fill(struct verify_failure *failure, const struct verdict_facts *facts,
                const char *text) {
    *failure = (struct verify_failure){.check = facts->check};
    bool complete = copy(facts->symbol, &failure->symbol) &&
                    copy(facts->wanted, &failure->wanted) && copy(facts->found, &failure->found) &&
                    copy(facts->source, &failure->source) && copy(text, &failure->text);
    if (!complete)
        release_failure(failure);
    return complete ? 0 : -ENOMEM;
}

int verdict_add(struct verify_verdict *verdict, const struct verdict_facts *facts, const char *fmt,
                ...) {
    if (verdict->failure_count == VERIFY_FAILURES_MAX) {
        verdict->failures_left_out++;
        return 0;
    }
    struct verify_failure *failures =
        reallocarray(verdict->failures, verdict->failure_count + 1, sizeof(*failures));
    if (!failures)
        return -ENOMEM;
    verdict->failures = failures;

    va_list args;
    va_start(args, fmt);
    AUTO_FREE char *text = NULL;
    int length = vasprintf(&text, fmt, args);
    va_end(args);
    if (length < 0) {
        text = NULL;
        return -ENOMEM;
    }
    int rc = fill(&failures[verdict->failure_count], facts, text);
    if (rc == 0)
        verdict->failure_count++;
    return rc;
}

void verdict_release(struct verify_verdict *verdict) {
    for (size_t i = 0; i < verdict->failure_count; i++)
        release_failure(&verdict->failures[i]);
    free(verdict->failures);
    free(verdict->file);
    *verdict = (struct verify_verdict){.file = NULL};
}
