/* The root that is audited, with what its records say; read once, for every check. */
#ifndef KMOD_AUDIT_SUBJECT_H
#define KMOD_AUDIT_SUBJECT_H

#include "base/strlist.h"
#include "kmod/lifecycle/audit_report.h"
#include "kmod/lifecycle/derived.h"
#include "kmod/lifecycle/state_word.h"

struct audit_subject {
    const struct root *root;
    bool has_folder; /* the state folder is there */
    bool has_bake;   /* and a marker, manifest and facts; without them all of those are empty */
    enum state_word word;
    struct marker marker;
    struct manifest manifest;
    struct facts facts;
    struct removal removal; /* of the paths in their places */
    struct ownership_packages packages;
    struct derived derived; /* of an active bake */
    enum ownership *places; /* places[i]: whose is what stands in the place of manifest entry i */
    struct strlist
        names; /* of modules, as the kernel has them: the bake's; without one, NVIDIA's */
    struct audit_report *report;
};

/*
 * Reads it. ERROR_REFUSED, ERROR_DAMAGED: the records are not to be believed. Those of a change
 * that has not come to its end need not be whole: then there is no bake, and report->unfinished
 * says why. The caller releases.
 */
int audit_subject_open(struct audit_subject *subject, const struct root *root,
                       struct audit_report *report, struct error *err) MUST_CHECK;

/* Whether things of the bake are to be in their places. */
bool audit_subject_expects_active(const struct audit_subject *subject);

/* The weight of something that is, or may be, of the bake and stands outside its store. */
enum audit_weight audit_subject_weight(const struct audit_subject *subject);

/* The manifest's entry for `path`, whatever links are on the way to it; NULL when it has none. */
const struct manifest_entry *audit_subject_find(const struct audit_subject *subject,
                                                const char *path);

/* Whose is what stands in the place of an entry of the manifest. */
enum ownership audit_subject_place(const struct audit_subject *subject,
                                   const struct manifest_entry *entry);

/* Whether a module file's name is that of one of subject->names. */
bool audit_subject_names_module(const struct audit_subject *subject, const char *file);

void audit_subject_release(struct audit_subject *subject);
#define AUTO_AUDIT_SUBJECT AUTO(audit_subject_release)

#endif
