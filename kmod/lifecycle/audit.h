/*
 * What a root carries of a bake, looked for wherever it could be: nothing is believed because it
 * was done, nothing is changed, no lock is taken.
 *
 *     records     marker, state word
 *     paths       every path of the manifest, in its place or in the private store
 *     dkms        registrations of the bake's name
 *     index       per kernel: what modprobe finds, files that an index names and that are gone
 *     files       module files of the bake's names, or of its modules' bytes, below /lib/modules
 *     loader      the dynamic loader's cache, configuration, preloading and folders
 *     privileged  setuid, setgid, file capabilities
 *     config      modules-load.d and modprobe.d
 *     programs    the folders of PATH
 *     initramfs   every image in /boot, or that a link there leads to
 *
 * Parked, as absent, is: nothing of the bake in any of these but the first two.
 */
#ifndef KMOD_AUDIT_H
#define KMOD_AUDIT_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/audit_report.h"

struct audit_options {
    const char *expected;   /* "active", "parked", "absent"; NULL: what the state word says */
    bool without_initramfs; /* the caller has read the images */
};

/*
 * Looks. 0 whatever was found. ERROR_REFUSED, ERROR_DAMAGED: the records are not to be believed.
 * The caller releases the report.
 */
int audit_run(const struct root *root, const struct audit_options *options,
              struct audit_report *report, struct error *err) MUST_CHECK;

/*
 * Whether all is as the expected layout has it. ERROR_DAMAGED naming the first thing that is not;
 * ERROR_INCOMPLETE where a change was begun and not ended: running it again is what to do.
 */
int audit_judge(const struct root *root, const struct audit_report *report,
                struct error *err) MUST_CHECK;

#endif
