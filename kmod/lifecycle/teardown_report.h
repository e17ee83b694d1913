/* What came of a teardown, as a telemetry line and as JSON. */
#ifndef KMOD_TEARDOWN_REPORT_H
#define KMOD_TEARDOWN_REPORT_H

#include <jansson.h>

#include "base/error.h"
#include "kmod/lifecycle/teardown.h"

/* Prints `TAG event=teardown gpu_node=… …`; `tag` and `gpu_node` may be NULL. −ENOMEM. */
int teardown_report_line(const struct teardown_result *result, const char *tag,
                         const char *gpu_node, struct error *err) MUST_CHECK;

/* The same facts; the caller's to release. NULL when out of memory. */
json_t *teardown_report_json(const struct teardown_result *result);

#endif
