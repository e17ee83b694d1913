#include "builder/userspace_version.h"

#include <fnmatch.h>
#include <string.h>

#include "kmod/system/version_proof.h"

#define FIRMWARE "/firmware/nvidia/"

static int refuse(const char *path, const char *found, const char *version, struct error *err) {
    return error_set(err, ERROR_REFUSED, EINVAL,
                     "--userspace: %s is of driver version %s, the modules are of %s; with both "
                     "installed no program would find a driver that it can talk to: take all of "
                     "one version",
                     path, found, version);
}

/* "535.261.03" of "/lib/firmware/nvidia/535.261.03/gsp_ga10x.bin" and of
 * ".../libcuda.so.535.261.03"; NULL when the path tells no version. The caller frees. */
static char *version_in_path(const char *path) {
    const char *folder = strstr(path, FIRMWARE), *name = strrchr(path, '/') + 1;
    const char *library = strstr(name, ".so.");
    AUTO_FREE char *text = NULL;
    if (folder) {
        folder += strlen(FIRMWARE);
        text = strndup(folder, strcspn(folder, "/"));
    } else if (library) {
        text = strdup(library + strlen(".so."));
    }
    return text && version_proof_usable(text) ? STEAL(text) : NULL;
}

static bool first_number_equal(const char *a, const char *b) {
    size_t length = strcspn(a, ".");
    return length == strcspn(b, ".") && !strncmp(a, b, length);
}

static bool is_elf(int fd) {
    char magic[4];
    return pread(fd, magic, sizeof magic, 0) == sizeof magic && !memcmp(magic, "\177ELF", 4);
}

/* NVIDIA's own programs and libraries alone: others may name a driver version for other reasons. */
static bool carries_version(const char *name) {
    static const char *const patterns[] = {"nvidia-*", "libnvidia-*", "libcuda*"};
    for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
        if (!fnmatch(patterns[i], name, 0))
            return true;
    return false;
}

static int check_content(const struct userspace *userspace, const struct userspace_entry *entry,
                         const char *version, struct error *err) {
    const char *name = strrchr(entry->path, '/') + 1;
    char found[VERSION_PROOF_TEXT_SIZE];
    bool same = false;
    AUTO_CLOSE int fd = -1;
    int rc = root_open_file(&userspace->tree, entry->path, &fd, err);
    if (rc || !is_elf(fd))
        return rc;
    rc = version_proof_in_file(fd, entry->path, version, &same, err);
    if (rc || same)
        return rc;
    rc = version_proof_find(fd, entry->path, found, err);
    if (rc || !*found)
        return rc;
    if (!strcmp(name, "nvidia-modprobe") && first_number_equal(found, version))
        return 0;
    return refuse(entry->path, found, version, err);
}

int userspace_version_check(const struct userspace *userspace, const char *version,
                            struct error *err) {
    for (size_t i = 0; i < userspace->count; i++) {
        const struct userspace_entry *entry = &userspace->entries[i];
        if (S_ISDIR(entry->st.st_mode))
            continue;
        AUTO_FREE char *told = version_in_path(entry->path);
        if (told && strcmp(told, version))
            return refuse(entry->path, told, version, err);
        if (told || !S_ISREG(entry->st.st_mode) || entry->twin != i ||
            !carries_version(strrchr(entry->path, '/') + 1))
            continue;
        int rc = check_content(userspace, entry, version, err);
        if (rc)
            return rc;
    }
    return 0;
}
