#include "kmod/lifecycle/audit.h"

#include <string.h>

#include "kmod/lifecycle/audit_config.h"
#include "kmod/lifecycle/audit_dkms.h"
#include "kmod/lifecycle/audit_initramfs.h"
#include "kmod/lifecycle/audit_loader.h"
#include "kmod/lifecycle/audit_modules.h"
#include "kmod/lifecycle/audit_privileges.h"
#include "kmod/lifecycle/audit_records.h"

static const struct audit_check {
    const char *name;
    int (*run)(struct audit_subject *subject, const char *check, struct error *err);
} checks[] = {
    {"records", audit_records_check},
    {"paths", audit_records_check_paths},
    {"dkms", audit_dkms_check},
    {"index", audit_modules_check_index},
    {"files", audit_modules_check_files},
    {"loader", audit_loader_check},
    {"privileged", audit_privileges_check},
    {"config", audit_config_check},
    {"programs", audit_loader_check_programs},
    {"initramfs", audit_initramfs_check},
};

/* A change that was not ended has no layout: what it left counts as active, which is the reason for
 * running it again. */
static enum audit_layout expected_layout(const struct audit_options *options,
                                         const struct audit_subject *subject) {
    const enum audit_layout layouts[] = {AUDIT_ABSENT, AUDIT_ACTIVE, AUDIT_PARKED};
    for (size_t i = 0; options->expected && i < ARRAY_SIZE(layouts); i++)
        if (!strcmp(options->expected, audit_layout_name(layouts[i])))
            return layouts[i];
    if (!subject->has_bake)
        return AUDIT_ABSENT;
    return subject->word == STATE_PARKED ? AUDIT_PARKED : AUDIT_ACTIVE;
}

int audit_run(const struct root *root, const struct audit_options *options,
              struct audit_report *report, struct error *err) {
    *report = (struct audit_report){0};
    AUTO_AUDIT_SUBJECT struct audit_subject subject = {0};
    int rc = audit_subject_open(&subject, root, report, err);
    report->expected = expected_layout(options, &subject);
    for (size_t i = 0; !rc && i < ARRAY_SIZE(checks); i++) {
        if (options->without_initramfs && checks[i].run == audit_initramfs_check)
            continue;
        rc = checks[i].run(&subject, checks[i].name, err);
        if (!rc && !audit_report_has(report, checks[i].name))
            audit_report_add(report, checks[i].name, AUDIT_FACT, "", "nothing of a bake");
    }
    return !rc && report->out_of_memory ? error_oom(err, "auditing") : rc;
}

int audit_judge(const struct root *root, const struct audit_report *report, struct error *err) {
    const struct audit_finding *misfit = audit_report_misfit(report);
    if (!misfit)
        return 0;
    return error_set(err, report->unfinished ? ERROR_INCOMPLETE : ERROR_DAMAGED, EBADMSG,
                     "%s/ is not as a root whose bake is %s: %s: %s%s%s", root->path,
                     audit_layout_name(report->expected), misfit->check, misfit->subject,
                     *misfit->subject ? ": " : "", misfit->text);
}
