#include "kmod/lifecycle/audit_loader.h"

#include <elf.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/process.h"
#include "kmod/lifecycle/audit_reach.h"
#include "kmod/system/ld_so_cache.h"
#include "kmod/system/ld_so_conf.h"

#define PRELOAD "/etc/ld.so.preload"
#define PRELOAD_MAX (1U << 20)

static const char auditing[] = "auditing";

static const char *file_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
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

/* The folder of each library, which is often that of the one before. */
static int add_folder(struct strlist *folders, const char *library) {
    const char *name = file_name(library), *last = "";
    size_t length = name > library ? (size_t)(name - library) - 1 : 0;
    if (folders->count)
        last = folders->items[folders->count - 1];
    if (!length || (!strncmp(last, library, length) && !last[length]))
        return 0;
    return strlist_addf(folders, "%.*s", (int)length, library);
}

static int check_cache(const struct audit_subject *subject, const char *check,
                       struct strlist *folders, struct error *err) {
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
    for (size_t i = 0; !rc && i < libraries.count; i++) {
        rc = add_folder(folders, libraries.items[i]);
        if (has_name(&names, file_name(libraries.items[i])))
            judge_library(subject, check, libraries.items[i]);
    }
    return rc ? error_oom(err, auditing) : 0;
}

/* A folder of libraries that the bake made. */
static int check_configuration(const struct audit_subject *subject, const char *check,
                               struct strlist *folders, struct error *err) {
    struct error reason = {0};
    size_t first = folders->count;
    int rc = ld_so_conf_folders(subject->root, folders, &reason);
    if (rc && reason.kind != ERROR_DAMAGED) {
        if (err)
            *err = reason;
        return rc;
    }
    if (rc)
        audit_report_add(subject->report, check, AUDIT_MISFIT, "/etc/ld.so.conf", "%s",
                         reason.text);
    for (size_t i = first; i < folders->count; i++)
        if (audit_subject_find(subject, folders->items[i]))
            audit_report_add(subject->report, check, audit_subject_weight(subject),
                             folders->items[i], "a folder of the bake in ld.so.conf");
    return 0;
}

/* What every program gets, whatever it asks for: names between blanks and colons (ld.so(8)). */
static void check_preloaded(const struct audit_subject *subject, const char *check, char *line) {
    line[strcspn(line, "#")] = '\0';
    for (char *name; (name = strsep(&line, " \t:"));) {
        if (*name != '/')
            continue;
        if (audit_reach_store(subject->root, name))
            audit_report_add(subject->report, check, AUDIT_MISFIT, name,
                             PRELOAD " names it, in the private store");
        else if (audit_subject_find(subject, name))
            audit_report_add(subject->report, check, audit_subject_weight(subject), name,
                             PRELOAD " names it, a library of the bake");
    }
}

static int check_preload(const struct audit_subject *subject, const char *check,
                         struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    struct stat st;
    if (root_stat_following(subject->root, PRELOAD, &st) || !S_ISREG(st.st_mode))
        return 0;
    int rc = file_read_following(subject->root, PRELOAD, PRELOAD_MAX, &text, err);
    char *rest = (char *)text.data;
    for (char *line; !rc && rest && (line = strsep(&rest, "\n"));)
        check_preloaded(subject, check, line);
    return rc;
}

/* Those of every machine that has kernels for such a bake. */
static int add_builtin_folders(struct strlist *folders, struct error *err) {
    int rc = ld_so_conf_builtin_folders(ELFCLASS64, EM_X86_64, folders, err);
    return rc ? rc : ld_so_conf_builtin_folders(ELFCLASS64, EM_AARCH64, folders, err);
}

int audit_loader_check(struct audit_subject *subject, const char *check, struct error *err) {
    AUTO_STRLIST struct strlist folders = {0};
    int rc = check_cache(subject, check, &folders, err);
    if (!rc)
        rc = check_configuration(subject, check, &folders, err);
    if (!rc)
        rc = add_builtin_folders(&folders, err);
    if (!rc)
        rc = audit_reach_folders(subject, check, &folders, err);
    return rc ? rc : check_preload(subject, check, err);
}

static bool is_in_folder(const char *path, const char *folder) {
    return path_is_below(path, folder) && !strchr(path + strlen(folder) + 1, '/');
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
    AUTO_STRLIST struct strlist folders = {0}, seen = {0};
    AUTO_FREE char *text = strdup(PROCESS_PATH);
    char *rest = text;
    int rc = text ? 0 : error_oom(err, auditing);
    for (char *folder; !rc && (folder = strsep(&rest, ":"));) {
        AUTO_FREE char *canonical = NULL;
        struct error ignored = {0};
        if (strlist_add(&folders, folder))
            return error_oom(err, auditing);
        if (root_canonical(subject->root, folder, &canonical, &ignored) ||
            strlist_contains(&seen, canonical))
            continue;
        if (strlist_add(&seen, canonical))
            return error_oom(err, auditing);
        check_programs_in(subject, check, canonical);
    }
    return rc ? rc : audit_reach_folders(subject, check, &folders, err);
}
