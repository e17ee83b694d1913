#include "builder/bundle_id.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>

#include "base/buffer.h"
#include "base/path.h"
#include "base/tree.h"

/* Raised whenever the same inputs would give other bytes. */
#define BUNDLE_RECIPE "1"

/* One input: its name and value, each ended by a NUL, so that no two lists of inputs look alike. */
static int add(struct digest *digest, const char *name, const char *value) {
    int rc = digest_update(digest, name, strlen(name) + 1);
    return rc ? rc : digest_update(digest, value, strlen(value) + 1);
}

static int add_bytes(struct digest *digest, const char *name, const void *data, size_t size) {
    char hex[DIGEST_HEX_SIZE];
    int rc = digest_bytes(data, size, hex);
    return rc ? rc : add(digest, name, hex);
}

/* The make command without its number of jobs, which changes no byte of a module. */
static int add_make(struct digest *digest, const char *make, unsigned jobs) {
    AUTO_BUFFER struct buffer text = {0};
    char option[16];
    int length = snprintf(option, sizeof option, "-j%u", jobs);
    while (*make) {
        bool is_jobs =
            !strncmp(make, option, (size_t)length) && !isdigit((unsigned char)make[length]);
        if (buffer_append(&text, make, is_jobs ? 2 : 1))
            return -ENOMEM;
        make += is_jobs ? length : 1;
    }
    return add(digest, "make", buffer_string(&text));
}

static int add_conf(struct digest *digest, const struct dkms_conf *conf, unsigned jobs) {
    int rc = add(digest, "name", conf->name);
    rc = rc ? rc : add(digest, "version", conf->version);
    rc = rc ? rc : add_make(digest, conf->make, jobs);
    rc = rc ? rc : add(digest, "pre_build", conf->pre_build);
    rc = rc ? rc : add(digest, "post_build", conf->post_build);
    for (size_t i = 0; !rc && i < conf->patches.count; i++)
        rc = add(digest, "patch", conf->patches.items[i]);
    for (size_t i = 0; !rc && i < conf->module_count; i++) {
        const struct dkms_conf_module *module = &conf->modules[i];
        rc = add(digest, "built", module->built_name);
        rc = rc ? rc : add(digest, "location", module->built_location);
        rc = rc ? rc : add(digest, "dest", module->dest_name);
        rc = rc ? rc : add(digest, "strip", module->strip ? "yes" : "no");
    }
    return rc;
}

struct header_digest {
    struct digest *digest;
    const char *folder;
};

static int add_header(void *context, const struct tree_entry *entry, struct error *err) {
    const struct header_digest *headers = context;
    if (!S_ISREG(entry->st->st_mode))
        return 0;
    AUTO_CLOSE int fd = openat(entry->parent, entry->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_io(err, errno, "can't open %s/%s", headers->folder, entry->path);
    char hex[DIGEST_HEX_SIZE];
    int rc = digest_fd(fd, entry->path, hex, err);
    if (!rc && add(headers->digest, entry->path, hex))
        rc = error_oom(err, "naming the bundle");
    return rc;
}

static int add_header_folder(const struct plan *plan, struct digest *digest, const char *folder,
                             struct error *err) {
    AUTO_CLOSE int fd = -1;
    int rc = root_open_dir(plan->root, folder, &fd, err);
    struct header_digest headers = {.digest = digest, .folder = folder};
    return rc ? rc : tree_walk(fd, folder, add_header, &headers, err);
}

/*
 * Distributions split the headers: what is common to several kernels is reached through the
 * `source` link beside `build`, the compiled helpers through a `scripts` link. About 60 MB in all:
 * a quarter of a second.
 */
static int add_headers(const struct plan *plan, struct digest *digest, struct error *err) {
    const char *build_dir = plan->headers.build_dir;
    AUTO_STRLIST struct strlist links = {0};
    if (strlist_addf(&links, "/lib/modules/%s/source", plan->headers.release) ||
        strlist_addf(&links, "%s/scripts", build_dir))
        return error_oom(err, "naming the bundle");
    int rc = add_header_folder(plan, digest, build_dir, err);
    for (size_t i = 0; !rc && i < links.count; i++) {
        AUTO_FREE char *folder = NULL;
        if (root_canonical(plan->root, links.items[i], &folder, NULL) ||
            path_is_in(folder, build_dir))
            continue;
        rc = add_header_folder(plan, digest, folder, err);
    }
    return rc;
}

static int add_all(const struct plan *plan, struct digest *digest) {
    const struct kernel_headers *headers = &plan->headers;
    int rc = add(digest, "recipe", BUNDLE_RECIPE);
    rc = rc ? rc : add(digest, "source", plan->source.digest);
    rc = rc ? rc : add(digest, "release", headers->release);
    rc = rc ? rc : add(digest, "machine", headers->machine);
    rc = rc ? rc : add(digest, "vermagic", headers->vermagic);
    rc = rc ? rc : add(digest, "compiler", plan->compiler.version);
    for (size_t i = 0; !rc && i < headers->config.keys.count; i++)
        rc = add(digest, headers->config.keys.items[i], headers->config.values.items[i]);
    rc = rc ? rc : add_bytes(digest, "symvers", headers->symvers.data, headers->symvers.size);
    return rc ? rc : add_conf(digest, &plan->conf, plan->options->jobs);
}

int bundle_id_make(const struct plan *plan, char id[static DIGEST_HEX_SIZE], struct error *err) {
    AUTO_DIGEST struct digest *digest = NULL;
    if (digest_begin(&digest) || add_all(plan, digest))
        return error_oom(err, "naming the bundle");
    int rc = add_headers(plan, digest, err);
    if (!rc && digest_end(STEAL(digest), id))
        rc = error_oom(err, "naming the bundle");
    return rc;
}
