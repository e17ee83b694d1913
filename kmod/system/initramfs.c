#include "kmod/system/initramfs.h"

#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "kmod/system/initramfs_image.h"
#include "kmod/system/os_release.h"
#include "kmod/system/unpacker.h"

#define BOOT "/boot"
#define DEPTH_MAX 4 /* /boot/efi/EFI/<distribution>/…, /boot/<machine id>/<kernel>/initrd */

/* One image being looked through. */
struct inspection {
    const struct root *root;
    const struct initramfs_wanted *wanted;
    const char *shown; /* its path, for sentences */
};

/* "./usr/lib/modules/K/…", "/lib/modules/K/…" → "lib/modules/K/…": usr-merge or not. */
static const char *from_lib(const char *path) {
    path += strncmp(path, "./", 2) ? 0 : 2;
    path += strspn(path, "/");
    return path + (strncmp(path, "usr/lib/", strlen("usr/lib/")) ? 0 : strlen("usr/"));
}

/* How long a path is without ".ko", ".ko.gz", ".ko.xz", ".ko.zst"; 0 for what is no module. */
static size_t stem_length(const char *path) {
    static const char *const suffixes[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
    size_t length = strlen(path);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        size_t suffix = strlen(suffixes[i]);
        if (length > suffix && !strcmp(path + length - suffix, suffixes[i]))
            return length - suffix;
    }
    return 0;
}

int initramfs_want(struct initramfs_wanted *wanted, const char *path, const char *build_id,
                   struct error *err) {
    const char *place = from_lib(path);
    size_t stem = stem_length(place);
    if (stem > 0 && (strlist_addf(&wanted->places, "%.*s", (int)stem, place) ||
                     build_id_search_add(&wanted->build_ids, build_id)))
        return error_oom(err, "reading initramfs images");
    return 0;
}

void initramfs_wanted_release(struct initramfs_wanted *wanted) {
    strlist_release(&wanted->places);
    build_id_search_release(&wanted->build_ids);
}

static bool is_wanted_place(const struct initramfs_wanted *wanted, const char *place, size_t stem) {
    for (size_t i = 0; i < wanted->places.count; i++)
        if (strlen(wanted->places.items[i]) == stem &&
            !strncmp(wanted->places.items[i], place, stem))
            return true;
    return false;
}

/* A packed module that can't be unpacked can't be loaded either. */
static int search_packed(const struct initramfs_wanted *wanted, struct cpio_entry *entry,
                         bool *found) {
    AUTO_UNPACKER struct unpacker *unpacker = NULL;
    struct error reason = {0};
    int rc = unpacker_open(&unpacker, cpio_entry_read, entry, entry->path, &reason);
    if (!rc)
        rc = build_id_search_run(&wanted->build_ids, unpacker_read, unpacker, found, &reason);
    if (rc)
        log_detail("%s: %s", entry->archive, reason.text);
    return reason.kind == ERROR_DAMAGED ? 0 : rc;
}

static int find_wanted(const struct initramfs_wanted *wanted, struct cpio_entry *entry, bool *found,
                       struct error *err) {
    const char *place = from_lib(entry->path);
    size_t stem = stem_length(place);
    *found = stem > 0 && is_wanted_place(wanted, place, stem);
    if (stem == 0 || *found || !S_ISREG(entry->mode))
        return 0;
    return place[stem + strlen(".ko")]
               ? search_packed(wanted, entry, found)
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

static int report(const struct inspection *inspection, const char *path, struct error *err) {
    static const char folder[] = "lib/modules/";
    const char *command = refresh_command(inspection->root), *place = from_lib(path);
    const char *kernel = strncmp(place, folder, strlen(folder)) ? "" : place + strlen(folder);
    return error_set(err, ERROR_DAMAGED, EEXIST,
                     "%s holds the baked module %.300s, where no teardown reaches it: keep the "
                     "module out of the initramfs, make the image anew (%s %.*s) and seal again",
                     inspection->shown, path, command ? command : "with the system's tool, for",
                     (int)strcspn(kernel, "/"), kernel);
}

static int inspect_entry(void *context, struct cpio_entry *entry, struct error *err) {
    const struct inspection *inspection = context;
    bool found = false;
    int rc = find_wanted(inspection->wanted, entry, &found, err);
    return rc || !found ? rc : report(inspection, entry->path, err);
}

static int inspect_image(struct inspection *inspection, const char *path, struct error *err) {
    AUTO_CLOSE int fd = -1;
    AUTO_FREE char *shown = root_host_path(inspection->root, path);
    if (!shown)
        return error_oom(err, "reading initramfs images");
    int rc = root_open_file(inspection->root, path, &fd, err);
    if (rc)
        return rc;
    log_detail("looking for baked modules in %s", shown);
    inspection->shown = shown;
    return initramfs_image_walk(fd, shown, inspect_entry, inspection, err);
}

static bool is_image_name(const char *name) {
    return !strncmp(name, "initrd", strlen("initrd")) ||
           !strncmp(name, "initramfs", strlen("initramfs"));
}

/* Links are passed over: the images that they lead to are there themselves. */
static int find_images(const struct root *root, const char *folder, unsigned depth,
                       struct strlist *images, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, folder, &names, err);
    for (size_t i = 0; !rc && i < names.count; i++) {
        AUTO_FREE char *path = NULL;
        struct stat st;
        if (asprintf(&path, "%s/%s", folder, names.items[i]) < 0)
            return error_oom(err, "looking for initramfs images");
        if (root_stat(root, path, &st))
            continue;
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
            rc = find_images(root, path, depth + 1, images, err);
        else if (S_ISREG(st.st_mode) && is_image_name(names.items[i]) && strlist_add(images, path))
            rc = error_oom(err, "looking for initramfs images");
    }
    return rc;
}

int initramfs_check(const struct root *root, const struct initramfs_wanted *wanted,
                    unsigned *images, struct error *err) {
    struct inspection inspection = {.root = root, .wanted = wanted};
    AUTO_STRLIST struct strlist paths = {0};
    int rc = find_images(root, BOOT, 0, &paths, err);
    for (size_t i = 0; !rc && i < paths.count; i++)
        rc = inspect_image(&inspection, paths.items[i], err);
    *images = (unsigned)paths.count;
    return rc;
}
