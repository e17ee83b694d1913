#include "kmod/lifecycle/audit_records.h"

#include "kmod/lifecycle/parked_store.h"

static bool is_word_of(enum state_word word, enum audit_layout layout) {
    return (layout == AUDIT_ACTIVE && word == STATE_ACTIVE) ||
           (layout == AUDIT_PARKED && word == STATE_PARKED);
}

static void check_absence(const struct audit_subject *subject, const char *check) {
    struct audit_report *report = subject->report;
    if (!subject->has_folder)
        audit_report_add(report, check, AUDIT_FACT, "", "no bake");
    else if (report->unfinished)
        audit_report_add(report, check, AUDIT_MISFIT, STATE_FOLDER,
                         "there is no whole bake, the state is %s: run what did not come to its "
                         "end again",
                         state_word_name(subject->word));
    else
        audit_report_add(report, check, AUDIT_MISFIT, STATE_FOLDER, "it is there without a marker");
}

int audit_records_check(struct audit_subject *subject, const char *check, struct error *err) {
    struct audit_report *report = subject->report;
    (void)err;
    if (!subject->has_bake)
        check_absence(subject, check);
    if (!subject->has_bake && report->expected != AUDIT_ABSENT)
        audit_report_add(report, check, AUDIT_MISFIT, "", "there is no bake");
    if (!subject->has_bake)
        return 0;
    audit_report_add(report, check, report->expected == AUDIT_ABSENT ? AUDIT_MISFIT : AUDIT_FACT,
                     "", "a bake of %s %s (%s) for %s", subject->marker.module,
                     subject->marker.driver_version, subject->marker.driver_kind,
                     subject->marker.kernel);
    audit_report_add(report, check,
                     is_word_of(subject->word, report->expected) ? AUDIT_FACT : AUDIT_MISFIT, "",
                     "the state is %s", state_word_name(subject->word));
    return 0;
}

struct counts {
    unsigned ours, gone, foreign;
    const char *first; /* that is not as it has to be */
};

static void count(struct counts *counts, const struct manifest_entry *entry,
                  enum ownership ownership, enum ownership wanted) {
    counts->ours += ownership == OWNERSHIP_OURS;
    counts->gone += ownership == OWNERSHIP_GONE;
    counts->foreign += ownership == OWNERSHIP_FOREIGN;
    if (!counts->first && ownership != wanted)
        counts->first = entry->path;
}

/* Directories are not counted: others use them too. */
static struct counts count_places(const struct audit_subject *subject, enum ownership wanted) {
    struct counts counts = {0};
    for (size_t i = 0; i < subject->manifest.count; i++)
        if (subject->manifest.entries[i].type != MANIFEST_DIR)
            count(&counts, &subject->manifest.entries[i], subject->places[i], wanted);
    return counts;
}

static void say(struct audit_report *report, const char *check, const char *where,
                const struct counts *counts) {
    audit_report_add(report, check, AUDIT_FACT, "",
                     "%u files and links: %s %u, %u gone, %u foreign",
                     counts->ours + counts->gone + counts->foreign, where, counts->ours,
                     counts->gone, counts->foreign);
}

static void check_active(const struct audit_subject *subject, const char *check) {
    struct counts counts = count_places(subject, OWNERSHIP_OURS);
    say(subject->report, check, "in their places", &counts);
    if (counts.first)
        audit_report_add(subject->report, check, AUDIT_MISFIT, counts.first,
                         "it is not there as the bake placed it");
}

/* The first path of which that is so, and how many there are. */
static void say_places(const struct audit_subject *subject, const char *check, enum ownership whose,
                       enum audit_weight weight, const char *what) {
    const char *first = NULL;
    unsigned more = 0;
    for (size_t i = 0; i < subject->manifest.count; i++) {
        const struct manifest_entry *entry = &subject->manifest.entries[i];
        if (entry->type == MANIFEST_DIR || subject->places[i] != whose)
            continue;
        more += first != NULL;
        first = first ? first : entry->path;
    }
    if (first)
        audit_report_add(subject->report, check, weight, first, "%s, and %u more", what, more);
}

/* Somebody else's driver may stand in the places of a bake that is not active. */
static void check_inactive(const struct audit_subject *subject, const char *check) {
    struct counts counts = count_places(subject, OWNERSHIP_GONE);
    say(subject->report, check, "in their places", &counts);
    say_places(subject, check, OWNERSHIP_OURS, AUDIT_MISFIT, "it is in its place");
    say_places(subject, check, OWNERSHIP_FOREIGN, AUDIT_FOREIGN, "somebody else's is in its place");
}

static int check_store(const struct audit_subject *subject, const char *check, struct error *err) {
    AUTO_MANIFEST struct manifest parked = {0};
    struct ownership_context context;
    struct counts counts = {0};
    int rc = parked_store_manifest(&subject->manifest, &parked, err);
    if (!rc)
        rc = ownership_context_make(subject->root, &subject->facts, &context, err);
    for (size_t i = 0; !rc && i < parked.count; i++) {
        const struct manifest_entry *entry = &parked.entries[i];
        enum ownership ownership = OWNERSHIP_OURS;
        if (entry->type == MANIFEST_DIR)
            continue;
        const struct facts_placed *placed =
            i < subject->facts.placed_count ? &subject->facts.placed[i] : NULL;
        rc = ownership_check(subject->root, &context, entry, placed, &ownership, err);
        count(&counts, entry, ownership, OWNERSHIP_OURS);
    }
    if (rc)
        return rc;
    say(subject->report, check, "in the store", &counts);
    if (counts.first)
        audit_report_add(subject->report, check, AUDIT_MISFIT, counts.first,
                         "the store does not have it as the bake parked it");
    return 0;
}

int audit_records_check_paths(struct audit_subject *subject, const char *check, struct error *err) {
    if (!subject->has_bake)
        return 0;
    if (audit_subject_expects_active(subject)) {
        check_active(subject, check);
        return 0;
    }
    check_inactive(subject, check);
    return parked_store_is_home(&subject->facts) ? check_store(subject, check, err) : 0;
}
