#include "kmod/lifecycle/audit_config.h"

#include <string.h>

#include "kmod/lifecycle/legacy_modules.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/module_config.h"
#include "kmod/system/module_lookup.h"

struct config_look {
    struct audit_subject *subject;
    const char *check;
    struct strlist kernels;
};

/* '-' and '_' are one in a module's name. */
static bool is_named(const struct audit_subject *subject, const char *name) {
    AUTO_FREE char *file = NULL;
    return asprintf(&file, "%s.ko", name) >= 0 && audit_subject_names_module(subject, file);
}

static int is_resolved(const struct config_look *look, const char *name, bool *resolved,
                       struct error *err) {
    int rc = 0;
    *resolved = false;
    for (size_t i = 0; !rc && !*resolved && i < look->kernels.count; i++)
        rc = module_lookup_resolves(look->subject->root, look->kernels.items[i], name, resolved,
                                    err);
    return rc;
}

static int visit(void *context, const struct module_config_entry *entry, struct error *err) {
    const struct config_look *look = context;
    const struct audit_subject *subject = look->subject;
    bool resolved = true;
    if (strstr(entry->runs, STATE_FOLDER "/"))
        audit_report_add(subject->report, look->check,
                         subject->has_bake ? AUDIT_MISFIT : AUDIT_FOREIGN, entry->file,
                         "%s %s runs something of the private store", entry->word, entry->name);
    if (!is_named(subject, entry->name))
        return 0;
    int rc = entry->wants ? is_resolved(look, entry->name, &resolved, err) : 0;
    if (rc)
        return rc;
    enum audit_weight weight = !subject->has_bake ? AUDIT_FOREIGN
                               : resolved         ? AUDIT_FACT
                                                  : AUDIT_MISFIT;
    audit_report_add(subject->report, look->check, weight, entry->file, "%s names %s%s",
                     entry->word, entry->name,
                     resolved ? "" : ", which no kernel's index has (dangling)");
    return 0;
}

int audit_config_check(struct audit_subject *subject, const char *check, struct error *err) {
    struct config_look look = {.subject = subject, .check = check};
    int rc = legacy_modules_kernels(subject->root, &look.kernels, err);
    if (!rc)
        rc = module_config_walk(subject->root, visit, &look, err);
    strlist_release(&look.kernels);
    return rc;
}
