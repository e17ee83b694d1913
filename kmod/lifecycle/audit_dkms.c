#include "kmod/lifecycle/audit_dkms.h"

#include <string.h>

#include "kmod/system/dkms_builds.h"
#include "kmod/system/dkms_tree.h"

static const char *state_of(const struct dkms_build *build) {
    return build->active == DKMS_ACTIVE_THIS ? "installed" : "built";
}

/* Every registration of a parked bake's version is one that the next kernel is built for. */
static void say_version(const struct audit_subject *subject, const char *check,
                        const struct dkms_builds *builds, bool ours) {
    enum audit_weight weight = ours ? audit_subject_weight(subject) : AUDIT_FOREIGN;
    const char *name = builds->version_dir + strlen(DKMS_TREE "/");
    if (builds->count == 0)
        audit_report_add(subject->report, check, weight, name, "added, and built for no kernel");
    for (size_t i = 0; i < builds->count; i++)
        audit_report_add(subject->report, check, weight, name, "%s for %s, %s",
                         state_of(&builds->items[i]), builds->items[i].kernel,
                         builds->items[i].machine);
}

/* A folder of the name that holds no version ("kernel-K-M", "original_module") is none. */
static int check_version(const struct audit_subject *subject, const char *check, const char *name,
                         const char *version, struct error *err) {
    AUTO_DKMS_BUILDS struct dkms_builds builds = {0};
    struct error reason = {0};
    int rc = dkms_builds_read(subject->root, name, version, &builds, &reason);
    if (rc && reason.kind == ERROR_REFUSED)
        return 0;
    if (rc && err)
        *err = reason;
    if (rc || !builds.present)
        return rc;
    AUTO_FREE char *source = NULL;
    if (asprintf(&source, "%s/source", builds.version_dir) < 0)
        return error_oom(err, "auditing");
    bool is_version = builds.count > 0 || root_exists(subject->root, source);
    bool ours = subject->has_bake && !strcmp(name, subject->marker.module) &&
                !strcmp(version, subject->marker.driver_version);
    if (is_version)
        say_version(subject, check, &builds, ours);
    return 0;
}

static int check_name(const struct audit_subject *subject, const char *check, const char *name,
                      struct error *err) {
    AUTO_FREE char *folder = NULL;
    AUTO_STRLIST struct strlist versions = {0};
    struct stat st;
    if (asprintf(&folder, DKMS_TREE "/%s", name) < 0)
        return error_oom(err, "auditing");
    if (root_stat(subject->root, folder, &st) || !S_ISDIR(st.st_mode))
        return 0;
    int rc = root_list(subject->root, folder, &versions, err);
    for (size_t i = 0; !rc && i < versions.count; i++)
        if (strncmp(versions.items[i], "kernel-", strlen("kernel-")))
            rc = check_version(subject, check, name, versions.items[i], err);
    return rc;
}

/* Built is not enough: dkms says "installed" of what an active bake registers. */
static bool is_installed(const struct audit_subject *subject) {
    const struct facts *facts = &subject->facts;
    enum dkms_state state = DKMS_ABSENT;
    struct error ignored = {0};
    return dkms_tree_state(subject->root, facts->dkms.name, facts->dkms.version, facts->kernel,
                           facts->dkms.machine, &state, &ignored) == 0 &&
           state == DKMS_INSTALLED;
}

int audit_dkms_check(struct audit_subject *subject, const char *check, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(subject->root, DKMS_TREE, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++)
        if (subject->has_bake ? !strcmp(names.items[i], subject->marker.module)
                              : !strncmp(names.items[i], "nvidia", strlen("nvidia")))
            rc = check_name(subject, check, names.items[i], err);
    const struct facts *facts = &subject->facts;
    if (!rc && subject->has_bake && audit_subject_expects_active(subject) && *facts->dkms.name &&
        !is_installed(subject))
        audit_report_add(subject->report, check, AUDIT_MISFIT, facts->dkms.name,
                         "%s is not installed for %s", facts->dkms.version, facts->kernel);
    return rc;
}
