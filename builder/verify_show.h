/* Printing what verify found on standard output. */
#ifndef BUILDER_VERIFY_SHOW_H
#define BUILDER_VERIFY_SHOW_H

#include "builder/module_set.h"
#include "kmod/module/verify.h"
#include "toolchain/kernel_headers.h"

/* A line a module, and one a failed check. −ENOMEM. */
int verify_show_text(const struct module_set *set, const struct verify_report *report,
                     const struct kernel_headers *headers, struct error *err) MUST_CHECK;

/*
 * One object: format, command, kernel, vermagic, checked, failed, and modules: file, loads,
 * failures (check, symbol, wanted, found, source, text), failures_left_out.
 */
int verify_show_json(const struct module_set *set, const struct verify_report *report,
                     const struct kernel_headers *headers, struct error *err) MUST_CHECK;

#endif
