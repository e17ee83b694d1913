#include "kmod/lifecycle/legacy_proof.h"

#include <elf.h>
#include <string.h>

#include "kmod/system/version_proof.h"

/* ELF, or a script where the driver has one: its others are no scripts. */
static int is_searchable(int fd, const char *path, bool *searchable, struct error *err) {
    char magic[SELFMAG] = {0};
    size_t length = strlen(path);
    ssize_t got = pread(fd, magic, sizeof magic, 0);
    if (got < 0)
        return error_io(err, errno, "can't read %s", path);
    bool script = length > 3 && !strcmp(path + length - 3, ".sh") && !memcmp(magic, "#!", 2);
    *searchable = got == SELFMAG && (script || !memcmp(magic, ELFMAG, SELFMAG));
    return 0;
}

int legacy_proof_of_file(const struct legacy_evidence *evidence, const char *path,
                         const char *logged, bool *proved, struct error *err) {
    struct stat st;
    *proved = false;
    int rc = root_stat(evidence->root, path, &st);
    if (rc)
        return rc == -ENOENT ? 0 : error_io(err, -rc, "can't look at %s", path);
    if (!S_ISREG(st.st_mode))
        return 0;
    AUTO_CLOSE int fd = -1;
    rc = root_open_file(evidence->root, path, &fd, err);
    if (!rc && logged)
        rc = installer_log_proves(&evidence->log, logged, fd, path, proved, err);
    bool searchable = false;
    if (!rc && !*proved)
        rc = is_searchable(fd, path, &searchable, err);
    return rc || !searchable ? rc : version_proof_in_file(fd, path, evidence->version, proved, err);
}
