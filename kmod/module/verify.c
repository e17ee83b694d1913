#include "kmod/module/verify.h"

#include <string.h>

#include "base/workers.h"
#include "kmod/module/candidate.h"
#include "kmod/module/import_check.h"
#include "kmod/module/packing_check.h"
#include "kmod/module/relocation_check.h"
#include "kmod/module/signature_check.h"
#include "kmod/module/symvers.h"
#include "kmod/module/verdict.h"
#include "kmod/module/version_check.h"

static void release_set(struct candidate_set *set) {
    for (size_t i = 0; i < set->count; i++)
        candidate_release(&set->items[i]);
    free(set->items);
    export_table_release(&set->exports);
    cms_identity_free(&set->signer);
}

/* What is done with one module needs no other thread's, so each processor takes the next one. */
static unsigned threads_for(const struct candidate_set *set) {
    return set->count > 1 ? workers_processors() : 1;
}

/* What the modules are, and what the kernel exports: one does not need the other. */
struct loading {
    struct candidate_set *set;
    struct symvers *symvers;
};

/* What needs nothing of the kernel's exports is looked at while those are read. */
static int load_candidate(struct candidate_set *set, size_t i, struct error *err) {
    struct candidate *candidate = &set->items[i];
    int rc = candidate_load(candidate, set->target, i, err);
    if (rc < 0 || !candidate->readable)
        return rc;
    return relocation_check_run(candidate) < 0 ? error_oom(err, "verifying modules") : 0;
}

static int load_piece(void *context, size_t index, struct error *err) {
    const struct loading *loading = context;
    const struct verify_target *target = loading->set->target;
    return index == 0 ? symvers_parse(target->symvers, target->symvers_size, target->symvers_name,
                                      loading->symvers, err)
                      : load_candidate(loading->set, index - 1, err);
}

static int load(struct candidate_set *set, const struct module_file *files, struct symvers *symvers,
                struct verify_report *report, struct error *err) {
    for (size_t i = 0; i < set->count; i++) {
        set->items[i].file = &files[i];
        set->items[i].verdict = &report->verdicts[i];
        report->verdicts[i].file = strdup(files[i].name);
        if (!report->verdicts[i].file)
            return error_oom(err, "verifying modules");
    }
    struct loading loading = {set, symvers};
    return workers_run(set->count + 1, threads_for(set), load_piece, &loading, err);
}

/* The kernel's, of which there are many, are taken over. */
static int gather_exports(struct candidate_set *set, struct symvers *symvers, struct error *err) {
    int rc = 0;
    set->exports = symvers->exports;
    symvers->exports = (struct export_table){.items = NULL};
    for (size_t i = 0; rc == 0 && i < set->count; i++)
        rc = export_table_add_all(&set->exports, &set->items[i].exports);
    if (rc == 0)
        rc = export_table_sort(&set->exports);
    return rc < 0 ? error_oom(err, "gathering exported symbols") : 0;
}

/* The kernel refuses a module that exports what is exported already. */
static int check_exports(const struct candidate_set *set, struct candidate *candidate) {
    for (size_t i = 0; i < candidate->exports.count; i++) {
        const char *name = candidate->exports.items[i].name;
        const struct export *other = candidate_find_export(set, candidate, name);
        /* An in-tree module's export is fine: the two are never loaded together. */
        if (!other ||
            (other->sibling == EXPORT_FROM_KERNEL && strcmp(other->owner, "vmlinux") != 0))
            continue;
        struct verdict_facts facts = {.check = "export",
                                      .symbol = name,
                                      .wanted = "one exporter",
                                      .found = other->owner,
                                      .source = candidate_export_source(set, other)};
        int rc = verdict_add(candidate->verdict, &facts, "it exports %s, and so does %s", name,
                             other->owner);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int check_candidate(void *context, size_t i, struct error *err) {
    const struct candidate_set *set = context;
    struct candidate *candidate = &set->items[i];
    if (!candidate->readable)
        return 0;
    int rc = import_check_run(set, candidate);
    if (rc == 0)
        rc = version_check_run(set, candidate);
    if (rc == 0)
        rc = check_exports(set, candidate);
    if (rc == 0)
        rc = packing_check_run(set->target, candidate);
    if (rc == 0)
        rc = signature_check_run(set, candidate);
    return rc < 0 ? error_oom(err, "verifying modules") : 0;
}

static int judge(struct candidate_set *set, const struct module_file *files,
                 struct symvers *symvers, struct verify_report *report, struct error *err) {
    int rc = load(set, files, symvers, report, err);
    if (rc == 0)
        rc = gather_exports(set, symvers, err);
    if (rc < 0)
        return rc;
    import_check_spread_taint(set);
    rc = workers_run(set->count, threads_for(set), check_candidate, set, err);
    for (size_t i = 0; i < set->count; i++)
        report->failed += report->verdicts[i].failure_count > 0;
    return rc;
}

int verify_modules(const struct verify_target *target, const struct module_file *files,
                   size_t count, struct verify_report *report, struct error *err) {
    *report = (struct verify_report){.verdicts = NULL};
    AUTO_SYMVERS struct symvers symvers = {.text = NULL};
    AUTO(release_set) struct candidate_set set = {.target = target};
    set.items = calloc(count + 1, sizeof(*set.items));
    report->verdicts = calloc(count + 1, sizeof(*report->verdicts));
    if (!set.items || !report->verdicts) {
        free(report->verdicts);
        report->verdicts = NULL;
        return error_oom(err, "verifying modules");
    }
    set.count = report->count = count;
    int rc = 0;
    if (target->certificate)
        rc = cms_identity_load(target->certificate, &set.signer, err);
    if (rc == 0)
        rc = judge(&set, files, &symvers, report, err);
    if (rc < 0)
        verify_report_release(report);
    return rc;
}

void verify_report_release(struct verify_report *report) {
    for (size_t i = 0; i < report->count; i++)
        verdict_release(&report->verdicts[i]);
    free(report->verdicts);
    *report = (struct verify_report){.verdicts = NULL};
}
