#include "kmod/lifecycle/audit_loader.h"

#include <string.h>

#include "base/process.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/system/ld_so_cache.h"
#include "kmod/system/ld_so_conf.h"

static const char auditing[] = "auditing";

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool is_below(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return !strncmp(path, folder, length) && (path[length] == '/' || !path[length]);
}

/* The names of the bake's files, so that of a whole cache only few paths have to be resolved. */
static int list_file_names(const struct audit_subject *subject, struct strlist *names) {
    int rc = 0;
    for (size_t i = 0; !rc && i < subject->manifest.count; i++)
        if (subject->manifest.entries[i].type != MANIFEST_DIR)
            rc = strlist_add(names, file_name(subject->manifest.entries[i].path));
    if (!rc)
        strlist_sort(names);
    return rc;
}

static int compare(const void *key, const void *item) {
    return strcmp(key, *(char *const *)item);
}

static bool has_name(const struct strlist *names, const char *name) {
    return names->count && bsearch(name, names->items, names->count, sizeof *names->items, compare);
}

/* A cache that names what is gone is stale, whatever is expected. */
static void judge_library(const struct audit_subject *subject, const char *check,
                          const char *path) {
    const struct manifest_entry *entry = audit_subject_find(subject, path);
    enum ownership whose = entry ? audit_subject_place(subject, entry) : OWNERSHIP_FOREIGN;
    if (whose == OWNERSHIP_GONE)
        audit_report_add(subject->report, check, AUDIT_MISFIT, path,
                         "the loader's cache names it, and it is gone: run ldconfig");
    else if (whose == OWNERSHIP_OURS)
        audit_report_add(subject->report, check, audit_subject_weight(subject), path,
                         "a library of the bake in the loader's cache");
}

static int check_cache(const struct audit_subject *subject, const char *check, struct error *err) {
    AUTO_STRLIST struct strlist libraries = {0}, names = {0};
    struct error reason = {0};
    bool present = false;
    int rc = ld_so_cache_read(subject->root, &libraries, &present, &reason);
    if (rc && rc != -ENOMEM) {
        audit_report_add(subject->report, check, AUDIT_MISFIT, LD_SO_CACHE, "%s", reason.text);
        return 0;
    }
    if (rc || list_file_names(subject, &names))
        return error_oom(err, auditing);
    audit_report_add(subject->report, check, AUDIT_FACT, LD_SO_CACHE,
                     present ? "%zu libraries" : "none", libraries.count);
    for (size_t i = 0; i < libraries.count; i++)
        if (is_below(libraries.items[i], STATE_FOLDER))
            audit_report_add(subject->report, check, AUDIT_MISFIT, libraries.items[i],
                             "a library of the store in the loader's cache");
        else if (has_name(&names, file_name(libraries.items[i])))
            judge_library(subject, check, libraries.items[i]);
    return 0;
}

/* A folder of libraries that the bake made, or the store itself. */
static int check_folders(const struct audit_subject *subject, const char *check,
                         struct error *err) {
    AUTO_STRLIST struct strlist folders = {0};
    struct error reason = {0};
    int rc = ld_so_conf_folders(subject->root, &folders, &reason);
    if (rc && reason.kind != ERROR_DAMAGED) {
        if (err)
            *err = reason;
        return rc;
    }
    if (rc)
        audit_report_add(subject->report, check, AUDIT_MISFIT, "/etc/ld.so.conf", "%s",
                         reason.text);
    for (size_t i = 0; i < folders.count; i++) {
        bool is_store = is_below(folders.items[i], STATE_FOLDER);
        if (is_store || audit_subject_find(subject, folders.items[i]))
            audit_report_add(subject->report, check,
                             is_store ? AUDIT_MISFIT : audit_subject_weight(subject),
                             folders.items[i], "a folder of the bake in ld.so.conf");
    }
    return 0;
}

int audit_loader_check(struct audit_subject *subject, const char *check, struct error *err) {
    int rc = check_cache(subject, check, err);
    return rc ? rc : check_folders(subject, check, err);
}

/* One folder of PATH: links of it that lead into the store. */
static int check_links(const struct audit_subject *subject, const char *check, const char *folder,
                       struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    struct stat st;
    if (root_stat_following(subject->root, folder, &st) || !S_ISDIR(st.st_mode))
        return 0;
    int rc = root_list(subject->root, folder, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        AUTO_FREE char *path = NULL, *target = NULL;
        if (asprintf(&path, "%s/%s", folder, names.items[i]) < 0)
            return error_oom(err, auditing);
        if (root_read_link(subject->root, path, &target) == 0 && is_below(target, STATE_FOLDER))
            audit_report_add(subject->report, check, AUDIT_MISFIT, path,
                             "it leads into the private store");
    }
    return rc;
}

static bool is_in_folder(const char *path, const char *folder) {
    return is_below(path, folder) && !strchr(path + strlen(folder) + 1, '/');
}

static void check_programs_in(const struct audit_subject *subject, const char *check,
                              const char *canonical) {
    for (size_t i = 0; i < subject->manifest.count; i++) {
        const struct manifest_entry *entry = &subject->manifest.entries[i];
        if (entry->type != MANIFEST_DIR && subject->places[i] == OWNERSHIP_OURS &&
            is_in_folder(entry->path, canonical))
            audit_report_add(subject->report, check, audit_subject_weight(subject), entry->path,
                             "a program of the bake");
    }
}

/* Each folder once: /bin is /usr/bin on a merged root. */
int audit_loader_check_programs(struct audit_subject *subject, const char *check,
                                struct error *err) {
    AUTO_STRLIST struct strlist seen = {0};
    AUTO_FREE char *folders = strdup(PROCESS_PATH);
    char *rest = folders;
    int rc = folders ? 0 : error_oom(err, auditing);
    for (char *folder; !rc && (folder = strsep(&rest, ":"));) {
        AUTO_FREE char *canonical = NULL;
        struct error ignored = {0};
        if (root_canonical(subject->root, folder, &canonical, &ignored) ||
            strlist_contains(&seen, canonical))
            continue;
        if (strlist_add(&seen, canonical))
            return error_oom(err, auditing);
        check_programs_in(subject, check, canonical);
        rc = check_links(subject, check, canonical, err);
    }
    return rc;
}
