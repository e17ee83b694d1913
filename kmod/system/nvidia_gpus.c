#include "kmod/system/nvidia_gpus.h"

#include <dirent.h>
#include <fnmatch.h>
#include <string.h>

#include "base/file.h"

#define MODALIAS_MAX 4096 /* one page, as sysfs gives it */
#define NVIDIA_DISPLAY "pci:v000010DEd*bc03sc*"

static int add_device(const char *folder, const char *name, struct strlist *gpus,
                      struct error *err) {
    AUTO_FREE char *path = NULL;
    AUTO_BUFFER struct buffer text = {0};
    if (asprintf(&path, "%s/%s/modalias", folder, name) < 0)
        return error_oom(err, "looking at PCI devices");
    int rc = file_read_path(path, MODALIAS_MAX, &text, err);
    if (rc == -ENOENT || rc == -ENODEV || rc == -ENOTDIR)
        return 0;
    if (rc)
        return rc;
    AUTO_FREE char *modalias = strndup(buffer_string(&text), strcspn(buffer_string(&text), "\n"));
    if (!modalias || (fnmatch(NVIDIA_DISPLAY, modalias, 0) == 0 && strlist_add(gpus, modalias)))
        return error_oom(err, "looking at PCI devices");
    return 0;
}

int nvidia_gpus_list(const char *sysfs, struct strlist *gpus, struct error *err) {
    AUTO_FREE char *folder = NULL;
    if (asprintf(&folder, "%s/bus/pci/devices", sysfs) < 0)
        return error_oom(err, "looking at PCI devices");
    AUTO_CLOSEDIR DIR *devices = opendir(folder);
    if (!devices)
        return errno == ENOENT ? 0 : error_io(err, errno, "can't open %s", folder);
    for (struct dirent *entry; (entry = readdir(devices));) {
        int rc = entry->d_name[0] == '.' ? 0 : add_device(folder, entry->d_name, gpus, err);
        if (rc)
            return rc;
    }
    strlist_sort(gpus);
    return 0;
}

static bool is_supported(const char *gpu, const struct strlist *aliases) {
    for (size_t i = 0; i < aliases->count; i++)
        if (fnmatch(aliases->items[i], gpu, 0) == 0)
            return true;
    return false;
}

const char *nvidia_gpus_unsupported(const struct strlist *gpus, const struct strlist *aliases) {
    for (size_t i = 0; i < gpus->count; i++)
        if (!is_supported(gpus->items[i], aliases))
            return gpus->items[i];
    return NULL;
}
