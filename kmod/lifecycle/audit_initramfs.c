#include "kmod/lifecycle/audit_initramfs.h"

#include "kmod/lifecycle/bake_initramfs.h"

static int want(const struct audit_subject *subject, struct initramfs_wanted *wanted,
                struct error *err) {
    if (subject->has_bake)
        return bake_initramfs_want(&subject->removal, &subject->facts, &subject->derived, wanted,
                                   err);
    int rc = 0;
    for (size_t i = 0; !rc && i < subject->names.count; i++)
        rc = strlist_add(&wanted->names, subject->names.items[i]);
    return rc ? error_oom(err, "auditing") : 0;
}

static int check_image(const struct audit_subject *subject, const char *check, const char *path,
                       const struct initramfs_wanted *wanted, struct error *err) {
    AUTO_INITRAMFS_FINDING struct initramfs_finding finding = {0};
    struct error judgement = {0};
    int rc = initramfs_inspect(subject->root, wanted, path, &finding, err);
    if (rc)
        return rc;
    if (initramfs_judge(subject->root, path, &finding, &judgement) == 0)
        audit_report_add(subject->report, check, AUDIT_FACT, path, "no module of a bake");
    else if (finding.module && !subject->has_bake)
        audit_report_add(subject->report, check, AUDIT_FOREIGN, path, "it holds %s",
                         finding.module);
    else
        audit_report_add(subject->report, check, AUDIT_MISFIT, path, "%s", judgement.text);
    return 0;
}

int audit_initramfs_check(struct audit_subject *subject, const char *check, struct error *err) {
    AUTO_INITRAMFS_WANTED struct initramfs_wanted wanted = {0};
    AUTO_INITRAMFS_FILES struct initramfs_files files = {0};
    int rc = initramfs_files_find(subject->root, &files, err);
    if (!rc)
        rc = want(subject, &wanted, err);
    for (size_t i = 0; !rc && i < files.count; i++)
        rc = check_image(subject, check, files.items[i].path, &wanted, err);
    return rc;
}
