#include "kmod/lifecycle/installer_log.h"

#include <string.h>

#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/trusted_file.h"

#define INSTALLED_FILE "1: "
#define BLOCK_SIZE (64 * 1024)

static int add_file(struct installer_log *log, const char *path, const char *crc) {
    char *end;
    unsigned long value = strtoul(crc, &end, 10);
    if (crc[0] < '0' || crc[0] > '9' || *end || value > UINT32_MAX || !safe_name_path(path))
        return 0;
    struct installer_log_file *files = reallocarray(log->files, log->count + 1, sizeof *files);
    if (!files)
        return -ENOMEM;
    log->files = files;
    files[log->count] = (struct installer_log_file){strdup(path), (uint32_t)value};
    return files[log->count++].path ? 0 : -ENOMEM;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct installer_log_file *)a)->path,
                  ((const struct installer_log_file *)b)->path);
}

static bool is_of_version(const char *line, const char *version) {
    AUTO_FREE char *ending = NULL;
    if (!line || asprintf(&ending, " (%s)", version) < 0)
        return false;
    size_t length = strlen(line), tail = strlen(ending);
    return length > tail && !strcmp(line + length - tail, ending);
}

static int parse(char *text, const char *version, struct installer_log *log) {
    if (!is_of_version(strsep(&text, "\n"), version))
        return 0;
    int rc = 0;
    for (char *line; !rc && (line = strsep(&text, "\n"));) {
        if (strncmp(line, INSTALLED_FILE, strlen(INSTALLED_FILE)))
            continue;
        const char *crc = strsep(&text, "\n");
        rc = crc ? add_file(log, line + strlen(INSTALLED_FILE), crc) : 0;
    }
    if (log->count > 1)
        qsort(log->files, log->count, sizeof *log->files, by_path);
    return rc;
}

int installer_log_read(const struct root *root, const char *version, struct installer_log *log,
                       struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    struct error reason = {0};
    *log = (struct installer_log){0};
    int rc = trusted_file_read(root, INSTALLER_LOG, INSTALLER_LOG_SIZE_MAX, &text, &reason);
    if (rc == -ENOENT || (rc && reason.kind == ERROR_REFUSED))
        return 0;
    if (rc) {
        *err = reason;
        return rc;
    }
    if (memchr(buffer_string(&text), '\0', text.size))
        return 0;
    rc = parse((char *)text.data, version, log);
    if (rc)
        installer_log_release(log);
    return rc ? error_oom(err, "reading the installer's log") : 0;
}

/* CRC-32/MPEG-2: polynomial 0x04c11db7, most significant bit first, nothing inverted at the end. */
static void crc_fill(uint32_t table[static 256]) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t row = i << 24;
        for (int bit = 0; bit < 8; bit++)
            row = row << 1 ^ (row & 0x80000000 ? 0x04c11db7 : 0);
        table[i] = row;
    }
}

static uint32_t crc_add(uint32_t crc, const uint8_t *data, size_t size) {
    static _Thread_local uint32_t table[256];
    if (!table[1])
        crc_fill(table);
    for (size_t i = 0; i < size; i++)
        crc = crc << 8 ^ table[data[i] ^ crc >> 24];
    return crc;
}

static int crc_of(int fd, const char *name, uint32_t *crc, struct error *err) {
    static _Thread_local uint8_t block[BLOCK_SIZE];
    *crc = UINT32_MAX;
    for (off_t offset = 0;;) {
        ssize_t got = pread(fd, block, sizeof block, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_io(err, errno, "can't read %s", name);
        /* The installer has 0 for an empty file, which its CRC is not. */
        if (got == 0 && offset == 0)
            *crc = 0;
        if (got == 0)
            return 0;
        *crc = crc_add(*crc, block, (size_t)got);
        offset += got;
    }
}

int installer_log_proves(const struct installer_log *log, const char *path, int fd,
                         const char *name, bool *proved, struct error *err) {
    *proved = false;
    const struct installer_log_file wanted = {.path = (char *)path};
    const struct installer_log_file *found =
        log->count ? bsearch(&wanted, log->files, log->count, sizeof wanted, by_path) : NULL;
    if (!found)
        return 0;
    uint32_t crc;
    int rc = crc_of(fd, name, &crc, err);
    *proved = !rc && crc == found->crc;
    return rc;
}

void installer_log_release(struct installer_log *log) {
    for (size_t i = 0; i < log->count; i++)
        free(log->files[i].path);
    free(log->files);
    *log = (struct installer_log){0};
}
