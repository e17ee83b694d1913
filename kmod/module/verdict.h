/* Writing down what verify found. */
#ifndef KMOD_MODULE_VERDICT_H
#define KMOD_MODULE_VERDICT_H

#include "kmod/module/verify.h"

/* The facts of a failure, see struct verify_failure. All are copied. */
struct verdict_facts {
    const char *check;
    const char *symbol;
    const char *wanted;
    const char *found;
    const char *source;
};

/* Adds a failure with a sentence. 0 or −ENOMEM. */
int verdict_add(struct verify_verdict *verdict, const struct verdict_facts *facts, const char *fmt,
                ...) PRINTF_LIKE(3, 4) MUST_CHECK;

void verdict_release(struct verify_verdict *verdict);

#endif
