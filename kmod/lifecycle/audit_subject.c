#include "kmod/lifecycle/audit_subject.h"

#include <string.h>

#include "base/log.h"
#include "kmod/lifecycle/bake.h"
#include "kmod/lifecycle/bake_records.h"
#include "kmod/lifecycle/legacy_modules.h"
#include "kmod/lifecycle/parked_store.h"
#include "kmod/system/module_name.h"

static const char reading[] = "auditing";

static int read_bake(struct audit_subject *subject, struct error *err) {
    int found = bake_find(subject->root, &subject->marker, err);
    if (found <= 0)
        return found;
    int rc = bake_records_manifest(subject->root, &subject->marker, &subject->manifest, err);
    if (!rc)
        rc = bake_records_facts(subject->root, &subject->marker, &subject->facts, err);
    subject->has_bake = !rc;
    return rc;
}

static bool is_on_the_way(enum state_word word) {
    return word == STATE_ACTIVATING || word == STATE_PARKING || word == STATE_TEARING_DOWN;
}

/* Of what was begun and not ended, some records may be missing; they decide nothing here. */
static int read_records(struct audit_subject *subject, struct error *err) {
    struct error reason = {0};
    int rc = state_word_read(subject->root, &subject->word, err);
    if (rc)
        return rc;
    rc = read_bake(subject, &reason);
    subject->report->unfinished = is_on_the_way(subject->word) || bake_is_unfinished(subject->root);
    if (rc && subject->report->unfinished) {
        log_detail("%s", reason.text);
        marker_release(&subject->marker);
        manifest_release(&subject->manifest);
        facts_release(&subject->facts);
        return 0;
    }
    if (rc && err)
        *err = reason;
    return rc;
}

/*
 * While a bake is parked, `placed` speaks of the store: in the places, content tells. Directories
 * are nobody's: others use them too.
 */
static int look_at_places(struct audit_subject *subject, struct error *err) {
    struct removal *removal = &subject->removal;
    *removal = (struct removal){
        .root = subject->root, .manifest = &subject->manifest, .facts = &subject->facts};
    int rc = ownership_context_make(subject->root, &subject->facts, &removal->context, err);
    if (parked_store_is_home(&subject->facts))
        removal->context.copied = true;
    subject->packages.manifest = &subject->manifest;
    removal->context.packages = &subject->packages;
    subject->places = calloc(subject->manifest.count + 1, sizeof *subject->places);
    if (!subject->places)
        return error_oom(err, reading);
    for (size_t i = 0; !rc && i < subject->manifest.count; i++)
        rc = removal_ownership(removal, &subject->manifest.entries[i], &subject->places[i], err);
    return rc;
}

static int add_names(struct audit_subject *subject) {
    int rc = 0;
    for (size_t i = 0; !rc && !subject->has_bake && legacy_modules_names[i]; i++)
        rc = strlist_add(&subject->names, legacy_modules_names[i]);
    for (size_t i = 0; !rc && i < subject->facts.module_count; i++) {
        AUTO_FREE char *name = module_name_in_kernel(subject->facts.modules[i].path);
        rc = name ? strlist_add(&subject->names, name) : -ENOMEM;
    }
    return rc;
}

static int open_subject(struct audit_subject *subject, struct error *err) {
    AUTO_CLOSE int folder = -1;
    int rc = state_folder_open(subject->root, &folder, err);
    subject->has_folder = !rc;
    if (rc && rc != -ENOENT)
        return rc;
    rc = rc ? 0 : read_records(subject, err);
    if (!rc && subject->has_bake)
        rc = look_at_places(subject, err);
    if (!rc && subject->has_bake && !parked_store_is_home(&subject->facts))
        rc = derived_open(&subject->derived, &subject->removal, &subject->marker, err);
    if (!rc && add_names(subject))
        rc = error_oom(err, reading);
    return rc;
}

int audit_subject_open(struct audit_subject *subject, const struct root *root,
                       struct audit_report *report, struct error *err) {
    *subject = (struct audit_subject){.root = root, .report = report};
    return open_subject(subject, err);
}

bool audit_subject_expects_active(const struct audit_subject *subject) {
    return subject->report->expected == AUDIT_ACTIVE;
}

enum audit_weight audit_subject_weight(const struct audit_subject *subject) {
    if (!subject->has_bake)
        return AUDIT_FOREIGN;
    return audit_subject_expects_active(subject) ? AUDIT_FACT : AUDIT_MISFIT;
}

const struct manifest_entry *audit_subject_find(const struct audit_subject *subject,
                                                const char *path) {
    AUTO_FREE char *canonical = NULL;
    struct error ignored = {0};
    if (root_resolve(subject->root, path, &canonical, NULL, &ignored))
        return NULL;
    return manifest_find(&subject->manifest, canonical);
}

enum ownership audit_subject_place(const struct audit_subject *subject,
                                   const struct manifest_entry *entry) {
    return subject->places[entry - subject->manifest.entries];
}

bool audit_subject_names_module(const struct audit_subject *subject, const char *file) {
    AUTO_FREE char *name = module_name_in_kernel(file);
    return name && *name && strlist_contains(&subject->names, name);
}

void audit_subject_release(struct audit_subject *subject) {
    derived_release(&subject->derived);
    facts_release(&subject->facts);
    manifest_release(&subject->manifest);
    marker_release(&subject->marker);
    strlist_release(&subject->names);
    ownership_packages_release(&subject->packages);
    free(subject->places);
}
