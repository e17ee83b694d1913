/*
 * Erasing what another tool baked: an image with a compat marker and no state of prebake's.
 *
 *     look (legacy_bake.h) → record what is loaded → installed modules → depmod for each kernel
 * that lost one → unload → DKMS tree → libraries and programs, links first → ldconfig → empty
 *       folders → look again, into initramfs images too → prebake's own leftovers → marker
 *
 * Whatever proves a path is removed after it, so a run that was killed anywhere, or failed, is
 * finished by the next.
 */
#ifndef KMOD_LEGACY_TEARDOWN_H
#define KMOD_LEGACY_TEARDOWN_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/teardown.h"

/*
 * Tears down by the legacy marker at `marker_path` (inside the root); call it when teardown_run()
 * found no bake. result->foreign counts what stands in the known places without proof; it stays.
 * Without that marker result->acted is false and nothing is changed. Exit kinds as teardown_run(),
 * and ERROR_USAGE for a path that is none, ERROR_REFUSED as legacy_bake_find() and
 * marker_read_legacy().
 */
int legacy_teardown_run(const struct root *root, const char *marker_path,
                        const struct teardown_options *options, struct teardown_result *result,
                        struct error *err) MUST_CHECK;

#endif
