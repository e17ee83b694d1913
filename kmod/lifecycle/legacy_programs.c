#include "kmod/lifecycle/legacy_programs.h"

#include <string.h>

#include "base/file.h"

#define PROGRAMS "/usr/bin"
#define CONFIG_SIZE_MAX 4096

/* The programs of NVIDIA's .run files; nvidia-uninstall is a link to nvidia-installer. Those of the
 * container toolkit (nvidia-ctk, nvidia-container-…) are other packages'. */
static const char *const names[] = {
    "nvidia-bug-report.sh",
    "nvidia-cuda-mps-control",
    "nvidia-cuda-mps-server",
    "nvidia-debugdump",
    "nvidia-gridd",
    "nvidia-installer",
    "nvidia-modprobe",
    "nvidia-ngx-updater",
    "nvidia-pcc",
    "nvidia-persistenced",
    "nvidia-powerd",
    "nvidia-settings",
    "nvidia-sleep.sh",
    "nvidia-smi",
    "nvidia-topologyd",
    "nvidia-uninstall",
    "nvidia-xconfig",
};

static int add_existing(const struct root *root, enum legacy_class class, const char *path,
                        struct legacy_paths *paths, struct error *err) {
    struct stat st;
    int rc = root_stat(root, path, &st);
    if (rc)
        return rc == -ENOENT ? 0 : error_io(err, -rc, "can't look at %s%s", root->path, path);
    return legacy_paths_add(paths, class, path) ? 0 : error_oom(err, "listing programs");
}

static bool is_listed(const struct legacy_paths *paths, const char *path) {
    for (size_t i = 0; i < paths->count; i++)
        if (!strcmp(paths->items[i].path, path))
            return true;
    return false;
}

/* Directly in /usr/bin, whatever it is called. */
static int collect_logged(const struct legacy_evidence *evidence, struct legacy_paths *paths,
                          struct error *err) {
    static const char folder[] = PROGRAMS "/";
    int rc = 0;
    for (size_t i = 0; !rc && i < evidence->log.count; i++) {
        const char *path = evidence->log.files[i].path;
        if (!strncmp(path, folder, strlen(folder)) && !strchr(path + strlen(folder), '/') &&
            !is_listed(paths, path))
            rc = add_existing(evidence->root, LEGACY_PROGRAM, path, paths, err);
    }
    return rc;
}

int legacy_programs_collect(const struct legacy_evidence *evidence, struct legacy_paths *paths,
                            struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = NULL;
        if (asprintf(&path, PROGRAMS "/%s", names[i]) < 0)
            return error_oom(err, "listing programs");
        rc = add_existing(evidence->root, LEGACY_PROGRAM, path, paths, err);
    }
    if (!rc)
        rc = collect_logged(evidence, paths, err);
    if (!rc)
        rc = add_existing(evidence->root, LEGACY_CONFIG, LEGACY_LOADER_CONFIG, paths, err);
    return rc;
}

static int prove_config(const struct root *root, struct legacy_path *item, struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    struct stat st;
    int rc = root_stat(root, item->path, &st);
    if (rc)
        return error_io(err, -rc, "can't look at %s%s", root->path, item->path);
    if (!S_ISREG(st.st_mode) || st.st_size > CONFIG_SIZE_MAX)
        return 0;
    rc = file_read(root, item->path, CONFIG_SIZE_MAX, &text, err);
    item->ours = !rc && text.size == strlen(LEGACY_LOADER_CONFIG_CONTENT) &&
                 !memcmp(text.data, LEGACY_LOADER_CONFIG_CONTENT, text.size);
    return rc;
}

int legacy_programs_prove(const struct legacy_evidence *evidence, struct legacy_path *item,
                          struct error *err) {
    if (item->class == LEGACY_CONFIG)
        return prove_config(evidence->root, item, err);
    return legacy_proof_of_file(evidence, item->path, item->path, &item->ours, err);
}
