#include "kmod/module/secret.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

static int unreadable(struct error *err, const char *what, const char *path, const char *why) {
    return error_set(err, ERROR_SIGNING, EKEYREJECTED, "can't read the %s %s: %s", what, path, why);
}

static void warn_when_shared(int fd, const char *what, const char *path) {
    struct stat st;
    if (!fstat(fd, &st) && S_ISREG(st.st_mode) && (st.st_mode & 077))
        log_warning("the %s %s is open to other users (mode %04o): chmod 600 it", what, path,
                    st.st_mode & 07777);
}

/* All that comes, up to one byte more than is allowed. */
static int fill(int fd, struct secret *secret) {
    while (secret->size <= SECRET_MAX) {
        ssize_t got = read(fd, secret->data + secret->size, SECRET_MAX + 1 - secret->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return 0;
        secret->size += (size_t)got;
    }
    return -EFBIG;
}

int secret_read(const char *path, const char *what, struct secret *secret, struct error *err) {
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return unreadable(err, what, path, strerror(errno));
    warn_when_shared(fd, what, path);
    /* One block of the largest size: growing would leave copies behind in freed memory. */
    AUTO_SECRET struct secret content = {.data = calloc(1, SECRET_MAX + 2)};
    if (!content.data)
        return error_oom(err, "reading a key");
    int rc = fill(fd, &content);
    if (rc)
        return unreadable(err, what, path, strerror(-rc));
    *secret = content;
    content = (struct secret){0};
    return 0;
}

int secret_copy(const char *text, struct secret *secret) {
    char *data = strdup(text);
    if (!data)
        return -ENOMEM;
    *secret = (struct secret){.data = data, .size = strlen(data)};
    return 0;
}

void secret_release(struct secret *secret) {
    if (secret->data)
        explicit_bzero(secret->data, secret->size);
    free(secret->data);
    *secret = (struct secret){0};
}
