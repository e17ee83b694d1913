#include "builder/bundle_record.h"

#include <fcntl.h>
#include <string.h>

#include "base/digest.h"
#include "base/file.h"
#include "builder/json_text.h"

#define BUNDLE_FORMAT 1
#define RECORD_SIZE_MAX (1 << 20)

/* The digest of <path>/modules/<dest>.ko. */
static int module_digest(const char *path, const char *dest, char hex[static DIGEST_HEX_SIZE],
                         struct error *err) {
    AUTO_FREE char *file = NULL;
    if (asprintf(&file, "%s/modules/%s.ko", path, dest) < 0)
        return error_oom(err, "reading a bundle");
    /* O_NONBLOCK: a fifo in its place is not waited for. */
    AUTO_CLOSE int fd = open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open %s", file);
    return digest_fd(fd, file, hex, err);
}

static int modules_to_json(const struct plan *plan, const char *path, json_t *modules,
                           struct error *err) {
    for (size_t i = 0; i < plan->conf.module_count; i++) {
        const char *dest = plan->conf.modules[i].dest_name;
        char hex[DIGEST_HEX_SIZE];
        int rc = module_digest(path, dest, hex, err);
        if (rc)
            return rc;
        if (json_object_set_new(modules, dest, json_string(hex)))
            return error_oom(err, "writing a bundle's record");
    }
    return 0;
}

int bundle_record_write(const struct plan *plan, const char *path, struct error *err) {
    AUTO_JSON json_t *modules = json_object();
    int rc = modules_to_json(plan, path, modules, err);
    if (rc)
        return rc;
    AUTO_JSON json_t *record =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:O}", "format", BUNDLE_FORMAT,
                  "id", plan->bundle_id, "name", plan->conf.name, "version", plan->conf.version,
                  "kernel", plan->headers.release, "machine", plan->headers.machine, "vermagic",
                  plan->headers.vermagic, "compiler", plan->compiler.version, "source_sha256",
                  plan->source.digest, "modules", modules);
    AUTO_FREE char *text = record ? json_dumps(record, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
    AUTO_FREE char *file = NULL;
    if (!text || asprintf(&file, "%s/bundle.json", path) < 0)
        return error_oom(err, "writing a bundle's record");
    AUTO_CLOSE int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    rc = fd < 0 ? -errno : file_write_all(fd, text, strlen(text));
    if (!rc)
        rc = file_write_all(fd, "\n", 1);
    return rc ? error_io(err, -rc, "can't write %s", file) : 0;
}

static int damaged(struct error *err, const char *path, const char *why) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "the bundle %s is damaged: %s", path, why);
}

/* Whether the module is the one that was recorded. */
static int check_module(const char *path, const char *dest, const char *recorded,
                        struct error *err) {
    char hex[DIGEST_HEX_SIZE];
    struct error reason = {0};
    if (module_digest(path, dest, hex, &reason))
        return damaged(err, path, reason.text);
    return !recorded || strcmp(recorded, hex) ? damaged(err, path, dest) : 0;
}

static int check_modules(const struct plan *plan, const char *path, const json_t *modules,
                         struct error *err) {
    for (size_t i = 0; i < plan->conf.module_count; i++) {
        const char *dest = plan->conf.modules[i].dest_name;
        int rc = check_module(path, dest, json_string_value(json_object_get(modules, dest)), err);
        if (rc)
            return rc;
    }
    return 0;
}

/* Reads the record of the bundle `path`; NULL when it is not to be had. The caller drops it. */
static json_t *read_record(const char *path, struct error *reason) {
    AUTO_FREE char *file = NULL;
    AUTO_BUFFER struct buffer text = {0};
    if (asprintf(&file, "%s/bundle.json", path) < 0) {
        file = NULL;
        error_oom(reason, "reading a bundle");
        return NULL;
    }
    if (file_read_path(file, RECORD_SIZE_MAX, &text, reason))
        return NULL;
    return json_loadb(buffer_string(&text), text.size, 0, NULL);
}

int bundle_record_check(const struct plan *plan, const char *path, struct error *err) {
    struct error reason = {0};
    AUTO_JSON json_t *record = read_record(path, &reason);
    if (*reason.text)
        return damaged(err, path, reason.text);
    const char *id = json_string_value(json_object_get(record, "id"));
    if (json_integer_value(json_object_get(record, "format")) != BUNDLE_FORMAT || !id ||
        strcmp(id, plan->bundle_id))
        return damaged(err, path, "bundle.json is not its own");
    return check_modules(plan, path, json_object_get(record, "modules"), err);
}

int bundle_record_check_modules(const char *path, struct error *err) {
    struct error reason = {0};
    AUTO_JSON json_t *record = read_record(path, &reason);
    if (reason.errnum == ENOENT)
        return 0;
    if (json_integer_value(json_object_get(record, "format")) != BUNDLE_FORMAT)
        return damaged(err, path, *reason.text ? reason.text : "bundle.json is no bundle's record");
    const char *dest;
    json_t *digest;
    json_object_foreach(json_object_get(record, "modules"), dest, digest) {
        int rc = strchr(dest, '/') ? damaged(err, path, "a module's name is a path")
                                   : check_module(path, dest, json_string_value(digest), err);
        if (rc)
            return rc;
    }
    return 0;
}

static char *text_of(const json_t *record, const char *key) {
    const char *text = json_string_value(json_object_get(record, key));
    return text ? strdup(text) : NULL;
}

int bundle_origin_read(const char *path, struct bundle_origin *origin, struct error *err) {
    struct error reason = {0};
    AUTO_JSON json_t *record = read_record(path, &reason);
    if (reason.errnum == ENOENT || reason.errnum == ENOTDIR)
        return error_set(err, ERROR_USAGE, reason.errnum,
                         "%s is no bundle: there is no bundle.json in it ('prebake build' makes "
                         "one)",
                         path);
    if (*reason.text)
        return damaged(err, path, reason.text);
    *origin = (struct bundle_origin){.id = text_of(record, "id"),
                                     .kernel = text_of(record, "kernel"),
                                     .compiler = text_of(record, "compiler"),
                                     .source_sha256 = text_of(record, "source_sha256")};
    if (json_integer_value(json_object_get(record, "format")) == BUNDLE_FORMAT && origin->id &&
        origin->kernel && origin->compiler && origin->source_sha256)
        return 0;
    return damaged(err, path, "bundle.json does not say what it was made from");
}

void bundle_origin_release(struct bundle_origin *origin) {
    free(origin->id);
    free(origin->kernel);
    free(origin->compiler);
    free(origin->source_sha256);
}
