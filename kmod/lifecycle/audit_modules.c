#include "kmod/lifecycle/audit_modules.h"

#include <string.h>

#include "base/tree.h"
#include "kmod/lifecycle/derived_modules.h"
#include "kmod/lifecycle/legacy_modules.h"
#include "kmod/system/index_listing.h"
#include "kmod/system/module_lookup.h"
#include "kmod/system/module_name.h"

/* A kernel under a check. */
struct kernel_look {
    struct audit_subject *subject;
    const char *check;
    const char *kernel;
    const struct strlist *derived; /* canonical paths of what DKMS derived for any kernel */
    unsigned found;
};

static bool is_module(const struct manifest_entry *placed, off_t size) {
    return placed->type == MANIFEST_FILE && placed->size == (uint64_t)size &&
           module_name_stem(placed->path);
}

/* Whether it has the bytes of a module of the bake, whatever its place. */
static bool is_copy(const struct audit_subject *subject, const char *path) {
    char sha256[DIGEST_HEX_SIZE] = "";
    struct stat st;
    if (root_stat_following(subject->root, path, &st) || !S_ISREG(st.st_mode))
        return false;
    for (size_t i = 0; i < subject->manifest.count; i++) {
        const struct manifest_entry *placed = &subject->manifest.entries[i];
        AUTO_CLOSE int fd = -1;
        if (!is_module(placed, st.st_size))
            continue;
        if (!*sha256 && (root_open_file_following(subject->root, path, &fd, NULL) ||
                         digest_fd(fd, path, sha256, NULL)))
            return false;
        if (!strcmp(sha256, placed->sha256))
            return true;
    }
    return false;
}

/* Whether the module file is the bake's: in its place, derived from it by DKMS, or a copy of one.
 */
static bool is_of_bake(const struct kernel_look *look, const char *path) {
    const struct audit_subject *subject = look->subject;
    const struct manifest_entry *entry = audit_subject_find(subject, path);
    AUTO_FREE char *canonical = NULL;
    struct error ignored = {0};
    if (entry)
        return audit_subject_place(subject, entry) != OWNERSHIP_FOREIGN;
    return root_resolve(subject->root, path, &canonical, NULL, &ignored) == 0 &&
           (strlist_contains(look->derived, canonical) || !root_exists(subject->root, canonical) ||
            is_copy(subject, canonical));
}

/* The index names a file that it finds for a module: whose? One that is gone is the bake's. */
static int look_up(struct kernel_look *look, const char *name, struct error *err) {
    struct audit_subject *subject = look->subject;
    AUTO_FREE char *path = NULL;
    int rc = module_lookup_path(subject->root, look->kernel, name, &path, err);
    if (rc || !path)
        return rc;
    bool ours = subject->has_bake && is_of_bake(look, path);
    look->found += ours;
    audit_report_add(subject->report, look->check,
                     ours ? audit_subject_weight(subject) : AUDIT_FOREIGN, look->kernel,
                     "modprobe finds %s: %s%s", name, path,
                     root_exists(subject->root, path) ? "" : ", which is gone");
    return 0;
}

/* The kernels that the bake is for must find all of its modules while it is active. */
static void judge_found(const struct kernel_look *look) {
    const struct audit_subject *subject = look->subject;
    if (subject->has_bake && audit_subject_expects_active(subject) &&
        look->found < subject->names.count && !strcmp(look->kernel, subject->facts.kernel))
        audit_report_add(subject->report, look->check, AUDIT_MISFIT, look->kernel,
                         "modprobe finds %u of %zu modules of the bake", look->found,
                         subject->names.count);
    else if (!look->found)
        audit_report_add(subject->report, look->check, AUDIT_FACT, look->kernel,
                         "no module of a bake is found");
}

static int look_for_gone(const struct kernel_look *look, struct error *err) {
    struct audit_subject *subject = look->subject;
    AUTO_STRLIST struct strlist gone = {0};
    unsigned named = 0;
    struct error reason = {0};
    int rc = index_listing_read(subject->root, look->kernel, &named, &gone, &reason);
    if (rc && reason.kind != ERROR_DAMAGED) {
        if (err)
            *err = reason;
        return rc;
    }
    if (rc)
        audit_report_add(subject->report, look->check, AUDIT_MISFIT, look->kernel, "%s",
                         reason.text);
    for (size_t i = 0; i < gone.count; i++) {
        bool ours = subject->has_bake && audit_subject_names_module(subject, gone.items[i]);
        audit_report_add(subject->report, look->check, ours ? AUDIT_MISFIT : AUDIT_FOREIGN,
                         look->kernel, "the index names %s, which is gone", gone.items[i]);
    }
    return 0;
}

static int check_index(struct kernel_look *look, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < look->subject->names.count; i++)
        rc = look_up(look, look->subject->names.items[i], err);
    if (rc)
        return rc;
    judge_found(look);
    return look_for_gone(look, err);
}

static int each_kernel(struct audit_subject *subject, const char *check,
                       int (*look_at)(struct kernel_look *look, struct error *err),
                       struct error *err) {
    AUTO_STRLIST struct strlist kernels = {0}, derived = {0};
    int rc = legacy_modules_kernels(subject->root, &kernels, err);
    if (!rc)
        rc = derived_modules_list(&subject->derived, NULL, &derived, err);
    for (size_t i = 0; !rc && i < kernels.count; i++) {
        struct kernel_look look = {
            .subject = subject, .check = check, .kernel = kernels.items[i], .derived = &derived};
        rc = look_at(&look, err);
    }
    return rc;
}

int audit_modules_check_index(struct audit_subject *subject, const char *check, struct error *err) {
    return each_kernel(subject, check, check_index, err);
}

/* By another name a module is loadable too: its aliases are in its bytes. Of a kernel's thousands
 * of modules few are as long as one of the bake's, and only those are read. */
static bool may_be_copy(const struct audit_subject *subject, const struct stat *st) {
    if (S_ISLNK(st->st_mode))
        return subject->has_bake;
    for (size_t i = 0; i < subject->manifest.count; i++)
        if (is_module(&subject->manifest.entries[i], st->st_size))
            return true;
    return false;
}

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    struct kernel_look *look = context;
    struct audit_subject *subject = look->subject;
    if (S_ISDIR(entry->st->st_mode) || !module_name_stem(entry->name))
        return 0;
    bool is_named = audit_subject_names_module(subject, entry->name);
    if (!is_named && !may_be_copy(subject, entry->st))
        return 0;
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "/lib/modules/%s/%s", look->kernel, entry->path) < 0)
        return error_oom(err, "auditing");
    bool ours = subject->has_bake && (is_named ? is_of_bake(look, path) : is_copy(subject, path));
    if (ours || is_named)
        audit_report_add(subject->report, look->check,
                         ours ? audit_subject_weight(subject) : AUDIT_FOREIGN, path,
                         !ours      ? "somebody else's module"
                         : is_named ? "a module of the bake"
                                    : "a module of the bake by another name");
    return 0;
}

static int check_files(struct kernel_look *look, struct error *err) {
    AUTO_FREE char *folder = NULL;
    AUTO_CLOSE int fd = -1;
    if (asprintf(&folder, "/lib/modules/%s", look->kernel) < 0)
        return error_oom(err, "auditing");
    int rc = root_open_dir(look->subject->root, folder, &fd, err);
    return rc ? rc : tree_walk(fd, folder, visit, look, err);
}

int audit_modules_check_files(struct audit_subject *subject, const char *check, struct error *err) {
    return each_kernel(subject, check, check_files, err);
}
