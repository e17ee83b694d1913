/* What came of a reconcile, as telemetry lines and as JSON. A node without a marker says nothing.
 */
#ifndef KMOD_RECONCILE_REPORT_H
#define KMOD_RECONCILE_REPORT_H

#include "base/error.h"
#include "kmod/lifecycle/reconcile.h"

/*
 * Prints, each where it applies: event=teardown; event=grid_cuda_prebake_teardown when the kinds of
 * driver differ; event=managed_gpu for a managed GPU; and event=reconcile, last. `tag` may be NULL.
 * −ENOMEM.
 */
int reconcile_report_lines(const struct reconcile_options *options,
                           const struct reconcile_result *result, const char *tag,
                           struct error *err) MUST_CHECK;

/* The same as one JSON document. */
int reconcile_report_json(const struct reconcile_options *options,
                          const struct reconcile_result *result, struct error *err) MUST_CHECK;

#endif
