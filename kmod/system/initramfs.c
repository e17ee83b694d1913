#include "kmod/system/initramfs.h"

#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "kmod/system/initramfs_image.h"
#include "kmod/system/module_name.h"
#include "kmod/system/os_release.h"
#include "kmod/system/unpacker.h"

/* One image being looked through. */
struct inspection {
    const struct initramfs_wanted *wanted;
    struct initramfs_finding *finding;
};

static const char reading[] = "reading initramfs images";

/* "./usr/lib/modules/K/…", "/lib/modules/K/…" → "lib/modules/K/…": usr-merge or not. */
static const char *from_lib(const char *path) {
    path += strncmp(path, "./", 2) ? 0 : 2;
    path += strspn(path, "/");
    return path + (strncmp(path, "usr/lib/", strlen("usr/lib/")) ? 0 : strlen("usr/"));
}

int initramfs_want(struct initramfs_wanted *wanted, const char *path, const char *build_id,
                   struct error *err) {
    const char *place = from_lib(path);
    size_t stem = module_name_stem(place);
    if ((stem > 0 && strlist_addf(&wanted->places, "%.*s", (int)stem, place)) ||
        build_id_search_add(&wanted->build_ids, build_id))
        return error_oom(err, reading);
    return 0;
}

void initramfs_wanted_release(struct initramfs_wanted *wanted) {
    strlist_release(&wanted->places);
    strlist_release(&wanted->names);
    build_id_search_release(&wanted->build_ids);
}

static bool is_wanted_place(const struct initramfs_wanted *wanted, const char *place, size_t stem) {
    for (size_t i = 0; i < wanted->places.count; i++)
        if (strlen(wanted->places.items[i]) == stem &&
            !strncmp(wanted->places.items[i], place, stem))
            return true;
    return false;
}

static bool is_wanted_name(const struct initramfs_wanted *wanted, const char *place) {
    if (wanted->names.count == 0)
        return false;
    AUTO_FREE char *name = module_name_in_kernel(place);
    return name && strlist_contains(&wanted->names, name);
}

/* A packed module that can't be unpacked can't be loaded either. */
static int search_packed(const struct initramfs_wanted *wanted, struct cpio_entry *entry,
                         bool *found, struct error *err) {
    AUTO_UNPACKER struct unpacker *unpacker = NULL;
    struct error reason = {0};
    int rc = unpacker_open(&unpacker, cpio_entry_read, entry, entry->path, &reason);
    if (!rc)
        rc = build_id_search_run(&wanted->build_ids, unpacker_read, unpacker, found, &reason);
    if (rc)
        log_detail("%s: %s", entry->archive, reason.text);
    if (rc && reason.kind != ERROR_DAMAGED && err)
        *err = reason;
    return reason.kind == ERROR_DAMAGED ? 0 : rc;
}

static int find_wanted(const struct initramfs_wanted *wanted, struct cpio_entry *entry, bool *found,
                       struct error *err) {
    const char *place = from_lib(entry->path);
    size_t stem = module_name_stem(place);
    *found = stem > 0 && (is_wanted_place(wanted, place, stem) || is_wanted_name(wanted, place));
    if (stem == 0 || *found || !S_ISREG(entry->mode) || wanted->build_ids.count == 0)
        return 0;
    return place[stem + strlen(".ko")]
               ? search_packed(wanted, entry, found, err)
               : build_id_search_run(&wanted->build_ids, cpio_entry_read, entry, found, err);
}

/* What makes the image of a kernel anew on this distribution, up to the kernel's name; or NULL. */
static const char *refresh_command(const struct root *root) {
    static const struct {
        const char *id, *command;
    } commands[] = {
        {"debian", "update-initramfs -u -k"},
        {"fedora", "dracut --force --kver"},
        {"rhel", "dracut --force --kver"},
        {"suse", "dracut --force --kver"},
    };
    AUTO_STRLIST struct strlist ids = {0};
    if (os_release_identifiers(root, &ids, NULL))
        return NULL;
    for (size_t i = 0; i < ids.count; i++)
        for (size_t c = 0; c < ARRAY_SIZE(commands); c++)
            if (!strcmp(ids.items[i], commands[c].id))
                return commands[c].command;
    return NULL;
}

int initramfs_judge(const struct root *root, const char *path,
                    const struct initramfs_finding *finding, struct error *err) {
    static const char folder[] = "lib/modules/";
    if (!finding->module && finding->reason.kind == ERROR_NONE)
        return 0;
    if (!finding->module)
        return error_set(err, ERROR_DAMAGED, EBADMSG,
                         "nobody can say whether a baked module is in %s%s: %s", root->path, path,
                         finding->reason.text);
    const char *command = refresh_command(root), *place = from_lib(finding->module);
    const char *kernel = strncmp(place, folder, strlen(folder)) ? "" : place + strlen(folder);
    return error_set(
        err, ERROR_DAMAGED, EEXIST,
        "%s%s holds the baked module %.300s, where no teardown reaches it: keep the "
        "module out of the initramfs, make the image anew (%s %.*s) and run this again",
        root->path, path, finding->module, command ? command : "with the system's tool, for",
        (int)strcspn(kernel, "/"), kernel);
}

/* −EEXIST ends the walk. */
static int inspect_entry(void *context, struct cpio_entry *entry, struct error *err) {
    const struct inspection *inspection = context;
    bool found = false;
    int rc = find_wanted(inspection->wanted, entry, &found, err);
    if (rc || !found)
        return rc;
    inspection->finding->module = strdup(entry->path);
    return inspection->finding->module ? -EEXIST : error_oom(err, reading);
}

static int read_image(const struct root *root, struct inspection *inspection, const char *path,
                      struct error *err) {
    AUTO_CLOSE int fd = -1;
    AUTO_FREE char *shown = root_host_path(root, path);
    if (!shown)
        return error_oom(err, reading);
    int rc = root_open_file(root, path, &fd, err);
    if (rc)
        return rc;
    log_detail("looking for baked modules in %s", shown);
    return initramfs_image_walk(fd, shown, inspect_entry, inspection, err);
}

int initramfs_inspect(const struct root *root, const struct initramfs_wanted *wanted,
                      const char *path, struct initramfs_finding *finding, struct error *err) {
    *finding = (struct initramfs_finding){0};
    struct inspection inspection = {.wanted = wanted, .finding = finding};
    struct error reason = {0};
    int rc = read_image(root, &inspection, path, &reason);
    if (!rc || finding->module)
        return 0;
    if (rc != -EINTR && rc != -ENOMEM) {
        finding->reason = reason;
        return 0;
    }
    if (err)
        *err = reason;
    return rc;
}

static int check_image(const struct root *root, const struct initramfs_wanted *wanted,
                       const char *path, struct error *err) {
    AUTO_INITRAMFS_FINDING struct initramfs_finding finding = {0};
    int rc = initramfs_inspect(root, wanted, path, &finding, err);
    return rc ? rc : initramfs_judge(root, path, &finding, err);
}

int initramfs_check(const struct root *root, const struct initramfs_wanted *wanted,
                    const struct initramfs_files *clean, const struct initramfs_files *files,
                    struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < files->count; i++) {
        bool is_clean = false;
        rc = initramfs_files_is_recorded(root, clean, &files->items[i], &is_clean, err);
        if (!rc && !is_clean)
            rc = check_image(root, wanted, files->items[i].path, err);
    }
    return rc;
}

void initramfs_finding_release(struct initramfs_finding *finding) {
    free(finding->module);
    *finding = (struct initramfs_finding){0};
}
