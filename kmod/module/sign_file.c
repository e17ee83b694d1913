#include "kmod/module/sign_file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/process.h"
#include "base/temporary.h"
#include "kmod/module/secret.h"
#include "kmod/module/token_uri.h"

#define SIGNATURE_MAX (64UL << 10)
#define OUTPUT_MAX (8UL << 10)

static int write_content(const char *path, const void *data, size_t size, struct error *err) {
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int rc = fd < 0 ? -errno : file_write_all(fd, data, size);
    return rc ? error_io(err, -rc, "can't write %s", path) : 0;
}

/* The program's PIN, as an environment entry. */
static int pin_entry(const char *pin, struct secret *entry) {
    if (!pin)
        return 0;
    char *text = NULL;
    int length = asprintf(&text, "KBUILD_SIGN_PIN=%s", pin);
    if (length < 0)
        return -ENOMEM;
    *entry = (struct secret){.data = text, .size = (size_t)length};
    return 0;
}

/*
 * The key's URI with where its PIN is: a file in memory of this process, which the program opens by
 * way of /proc, as one of the same user may.
 */
static int add_pin_source(const struct sign_file *spec, int *pin, char **uri) {
    char path[64];
    *pin = memfd_create("pin", MFD_CLOEXEC);
    int rc = *pin < 0 ? -errno : file_write_all(*pin, spec->pin, strlen(spec->pin));
    if (rc)
        return rc;
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), *pin);
    *uri = token_uri_with_pin_source(spec->key, path);
    return *uri ? 0 : -ENOMEM;
}

/* The reason comes last, after what OpenSSL says of each of its own calls. */
static const char *last_line(struct buffer *output) {
    while (output->size > 0 && output->data[output->size - 1] == '\n')
        output->data[--output->size] = '\0';
    const char *text = buffer_string(output);
    const char *newline = strrchr(text, '\n');
    return newline ? newline + 1 : text;
}

static int run(const struct sign_file *spec, const char *hash, const char *content,
               struct error *err) {
    AUTO_SECRET struct secret pin = {0};
    AUTO_BUFFER struct buffer output = {0};
    AUTO_CLOSE int pin_source = -1;
    AUTO_FREE char *uri = NULL;
    int rc = pin_entry(spec->pin, &pin);
    if (!rc && spec->pin)
        rc = add_pin_source(spec, &pin_source, &uri);
    if (rc)
        return error_io(err, -rc, "can't give %s its PIN", spec->program);
    struct process_result result;
    /* -d: leave the module alone and write the signature beside it. */
    rc = process_run(
        &(struct process_spec){
            .argv = (const char *const[]){spec->program, "-d", hash, uri ? uri : spec->key,
                                          spec->certificate, content, NULL},
            .environment = (const char *const[]){pin.data, NULL},
            .output = &output,
            .output_max = OUTPUT_MAX,
            .seconds = spec->seconds ? spec->seconds : SIGN_FILE_SECONDS,
        },
        &result, err);
    if (rc == -ETIMEDOUT)
        return error_set(
            err, ERROR_SIGNING, ETIMEDOUT,
            "%s did not sign with %s in time: is the token there, and does it wait for "
            "a PIN or a button?",
            spec->program, spec->key);
    if (rc)
        return rc;
    log_detail("%s says: %s", spec->program, buffer_string(&output));
    if (result.exit_status != 0)
        return error_set(err, ERROR_SIGNING, EKEYREJECTED, "%s failed (%s): %s", spec->program,
                         process_describe(&result), last_line(&output));
    return 0;
}

int sign_file_run(const struct sign_file *spec, const char *hash, const void *data, size_t size,
                  struct buffer *der, struct error *err) {
    AUTO_TEMPORARY struct temporary directory = {0};
    AUTO_FREE char *content = NULL, *signature = NULL;
    int rc = temporary_make(NULL, &directory, err);
    if (rc)
        return rc;
    if (asprintf(&content, "%s/module", directory.path) < 0 ||
        asprintf(&signature, "%s.p7s", content) < 0)
        return error_oom(err, "signing");
    rc = write_content(content, data, size, err);
    if (!rc)
        rc = run(spec, hash, content, err);
    if (!rc)
        rc = file_read_path(signature, SIGNATURE_MAX, der, err);
    return rc;
}
