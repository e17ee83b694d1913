#include "kmod/system/index_listing.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define SIZE_LIMIT (64U << 20)

static const char reading[] = "reading a module index";

/* Links of the kernel's folder (weak-updates) lead anywhere in the root: the slow way is right. */
static bool is_there(const struct root *root, int folder, const char *kernel, const char *name) {
    struct stat st;
    if (*name != '/' && !fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
        return true;
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "/lib/modules/%s/%s", kernel, name) < 0)
        return false;
    return root_stat_following(root, *name == '/' ? name : path, &st) == 0;
}

/* "kernel/drivers/net/veth.ko: …what it needs…" */
static int read_lines(const struct root *root, const char *kernel, int folder, char *text,
                      unsigned *named, struct strlist *gone, struct error *err) {
    for (char *line; text && (line = strsep(&text, "\n"));) {
        char *colon = strchr(line, ':');
        if (!*line)
            continue;
        if (!colon || colon == line)
            return error_set(err, ERROR_DAMAGED, EBADMSG,
                             "%s/lib/modules/%s/modules.dep is damaged: run depmod %s", root->path,
                             kernel, kernel);
        *colon = '\0';
        (*named)++;
        if (!is_there(root, folder, kernel, line) && strlist_add(gone, line))
            return error_oom(err, reading);
    }
    return 0;
}

int index_listing_read(const struct root *root, const char *kernel, unsigned *named,
                       struct strlist *gone, struct error *err) {
    AUTO_FREE char *folder = NULL, *path = NULL;
    AUTO_BUFFER struct buffer text = {0};
    AUTO_CLOSE int fd = -1;
    *named = 0;
    if (asprintf(&folder, "/lib/modules/%s", kernel) < 0 ||
        asprintf(&path, "%s/modules.dep", folder) < 0)
        return error_oom(err, reading);
    if (!root_exists(root, path))
        return 0;
    int rc = root_open_dir(root, folder, &fd, err);
    if (!rc)
        rc = file_read(root, path, SIZE_LIMIT, &text, err);
    return rc ? rc : read_lines(root, kernel, fd, (char *)text.data, named, gone, err);
}
