#include "toolchain/kernel_headers.h"

#include <string.h>
#include <sys/utsname.h>

#include "base/file.h"
#include "toolchain/distro.h"
#include "toolchain/kernel_config.h"
#include "toolchain/vermagic.h"

#define MODULES_DIR "/lib/modules"
#define RELEASE_MAX 64 /* __NEW_UTS_LEN */
#define HEADER_MAX (4 << 20)
#define SYMVERS_MAX (64 << 20)

/* A release becomes part of paths and of tools' arguments. */
static bool is_release(const char *release) {
    size_t length = strlen(release);
    return length > 0 && length <= RELEASE_MAX && release[0] != '.' && release[0] != '-' &&
           strspn(release, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                           "._+-~") == length;
}

static bool has_headers(const struct root *root, const char *release) {
    AUTO_FREE char *include = NULL;
    return asprintf(&include, MODULES_DIR "/%s/build/include", release) >= 0 &&
           root_is_directory(root, include);
}

int kernel_headers_list(const struct root *root, struct strlist *releases, struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    int rc = root_list(root, MODULES_DIR, &names, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < names.count; i++)
        if (is_release(names.items[i]) && has_headers(root, names.items[i]) &&
            strlist_add(releases, names.items[i]))
            return error_oom(err, "listing kernels");
    return 0;
}

static int take_release(const char *release, char **out, struct error *err) {
    *out = strdup(release);
    return *out ? 0 : error_oom(err, "choosing a kernel");
}

int kernel_headers_choose(const struct root *root, char **release, struct error *err) {
    AUTO_STRLIST struct strlist releases = {0};
    int rc = kernel_headers_list(root, &releases, err);
    if (rc)
        return rc;
    const char *where = *root->path ? root->path : "/";
    if (releases.count == 0)
        return error_set(err, ERROR_NO_HEADERS, ENOENT,
                         "%s has headers for no kernel: install the headers of the kernel to bake "
                         "for there",
                         where);
    if (releases.count == 1)
        return take_release(releases.items[0], release, err);
    struct utsname host;
    if (root->is_host && uname(&host) == 0 && strlist_contains(&releases, host.release))
        return take_release(host.release, release, err);
    AUTO_FREE char *list = strlist_join(&releases, ", ");
    if (!list)
        return error_oom(err, "choosing a kernel");
    return error_set(err, ERROR_USAGE, EINVAL,
                     "%s has headers for several kernels: name one of them with --kernel (%s)",
                     where, list);
}

/* What the root's distribution calls the package of the headers. */
static char *package_name(const struct root *root, const char *release) {
    enum distro_family family = distro_of_root(root);
    if (family == DISTRO_SUSE) /* the package is named for the flavour, not for the release */
        return strdup("kernel-default-devel");
    const char *prefix = family == DISTRO_FEDORA ? "kernel-devel-" : "linux-headers-";
    char *package = NULL;
    return asprintf(&package, "%s%s", prefix, release) < 0 ? NULL : package;
}

static int no_headers(const struct root *root, const char *release, struct error *err) {
    AUTO_STRLIST struct strlist releases = {0};
    int rc = kernel_headers_list(root, &releases, err);
    if (rc)
        return rc;
    AUTO_FREE char *list = strlist_join(&releases, ", ");
    AUTO_FREE char *package = package_name(root, release);
    if (!list || !package)
        return error_oom(err, "looking for headers");
    return error_set(err, ERROR_NO_HEADERS, ENOENT,
                     "no headers for kernel %s in %s: install the package %s there (headers are "
                     "there for: %s)",
                     release, *root->path ? root->path : "/", package, *list ? list : "no kernel");
}

/* Reads `name` below the headers' directory. */
static int read_header(const struct root *root, const struct kernel_headers *headers,
                       const char *name, size_t max, struct buffer *text, struct error *err) {
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s", headers->build_dir, name) < 0)
        return error_oom(err, "reading kernel headers");
    int rc = file_read_following(root, path, max, text, err);
    if (rc == -ENOENT)
        return error_set(err, ERROR_DAMAGED, ENOENT,
                         "the headers of the target lack %s%s: reinstall their package", root->path,
                         path);
    if (!rc && memchr(buffer_string(text), '\0', text->size))
        rc = error_set(err, ERROR_DAMAGED, EBADMSG, "%s%s is not a text: it holds a NUL byte",
                       root->path, path);
    return rc;
}

/* include/config/kernel.release is not it: Debian's says "6.1.170" there. */
static int read_release(const struct root *root, const char *wanted, struct kernel_headers *headers,
                        struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    int rc = read_header(root, headers, "include/generated/utsrelease.h", HEADER_MAX, &text, err);
    if (rc)
        return rc;
    headers->release = vermagic_string_macro(buffer_string(&text), "UTS_RELEASE");
    if (!headers->release || !is_release(headers->release))
        return error_set(err, ERROR_DAMAGED, EBADMSG,
                         "%s%s/include/generated/utsrelease.h does not name a kernel release",
                         root->path, headers->build_dir);
    if (wanted && strcmp(headers->release, wanted))
        return error_set(err, ERROR_DAMAGED, EBADMSG,
                         "%s%s has the headers of another kernel, %s: reinstall or name the "
                         "headers of %s",
                         root->path, headers->build_dir, headers->release, wanted);
    return 0;
}

static int read_seed(const struct root *root, const struct kernel_headers *headers,
                     const char *header, char **seed, struct error *err) {
    AUTO_FREE char *name = NULL;
    AUTO_BUFFER struct buffer text = {0};
    if (asprintf(&name, "include/generated/%s", header) < 0)
        return error_oom(err, "reading kernel headers");
    int rc = read_header(root, headers, name, HEADER_MAX, &text, err);
    if (rc)
        return rc;
    *seed = vermagic_string_macro(buffer_string(&text), "RANDSTRUCT_HASHED_SEED");
    if (!*seed)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s%s/%s does not define the layout's seed",
                         root->path, headers->build_dir, name);
    return 0;
}

static int read_vermagic(const struct root *root, struct kernel_headers *headers,
                         struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_FREE char *seed = NULL;
    int rc = read_header(root, headers, "include/generated/autoconf.h", HEADER_MAX, &text, err);
    if (rc)
        return rc;
    const char *autoconf = buffer_string(&text);
    const char *seed_header = vermagic_seed_header(autoconf);
    if (seed_header && (rc = read_seed(root, headers, seed_header, &seed, err)))
        return rc;
    headers->vermagic = vermagic_compose(headers->release, autoconf, seed);
    return headers->vermagic ? 0 : error_oom(err, "composing the version magic");
}

/* Copies what the facts point to; the configuration itself stays with the headers too. */
static int keep_facts(const struct kernel_config_facts *facts, struct kernel_headers *headers,
                      struct error *err) {
    headers->elf_machine = facts->elf_machine;
    headers->compression = facts->compression;
    headers->modversions = facts->modversions;
    headers->extended_modversions = facts->extended_modversions;
    headers->signature_forced = facts->signature_forced;
    headers->livepatch = facts->livepatch;
    headers->plt_sections = facts->plt_sections;
    headers->ecdsa = facts->ecdsa;
    headers->p521 = facts->p521;
    headers->machine = strdup(facts->machine);
    headers->compiler = strdup(facts->compiler);
    headers->signature_hash = strdup(facts->signature_hash);
    if (!headers->machine || !headers->compiler || !headers->signature_hash)
        return error_oom(err, "reading the kernel's configuration");
    return 0;
}

static int read_config(const struct root *root, struct kernel_headers *headers, struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    const char *name = ".config";
    int rc = read_header(root, headers, name, HEADER_MAX, &text, err);
    if (rc == -ENOENT) {
        name = "include/config/auto.conf";
        rc = read_header(root, headers, name, HEADER_MAX, &text, err);
    }
    if (rc)
        return rc;
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s%s/%s", root->path, headers->build_dir, name) < 0)
        return error_oom(err, "reading the kernel's configuration");
    rc = keyvalue_parse(buffer_string(&text), text.size, path, false, &headers->config, err);
    if (rc)
        return rc;
    struct kernel_config_facts facts;
    rc = kernel_config_read(&headers->config, buffer_string(&text), headers->release, path, &facts,
                            err);
    return rc ? rc : keep_facts(&facts, headers, err);
}

static int find_build_dir(const struct root *root, const char *release,
                          struct kernel_headers *headers, struct error *err) {
    if (!is_release(release))
        return error_set(err, ERROR_USAGE, EINVAL, "'%s' is not a kernel release", release);
    if (!has_headers(root, release))
        return no_headers(root, release, err);
    AUTO_FREE char *link = NULL;
    if (asprintf(&link, MODULES_DIR "/%s/build", release) < 0)
        return error_oom(err, "looking for headers");
    return root_canonical(root, link, &headers->build_dir, err);
}

/* All that is read below headers->build_dir. */
static int read_all(const struct root *root, const char *release, struct kernel_headers *headers,
                    struct error *err) {
    headers->shown_dir = root_host_path(root, headers->build_dir);
    int rc = headers->shown_dir ? read_release(root, release, headers, err)
                                : error_oom(err, "reading kernel headers");
    if (!rc)
        rc = read_vermagic(root, headers, err);
    if (!rc)
        rc = read_config(root, headers, err);
    if (!rc)
        rc = read_header(root, headers, "Module.symvers", SYMVERS_MAX, &headers->symvers, err);
    if (rc)
        kernel_headers_release(headers);
    return rc;
}

int kernel_headers_read(const struct root *root, const char *release,
                        struct kernel_headers *headers, struct error *err) {
    *headers = (struct kernel_headers){0};
    int rc = find_build_dir(root, release, headers, err);
    if (rc)
        kernel_headers_release(headers);
    return rc ? rc : read_all(root, release, headers, err);
}

int kernel_headers_read_at(const struct root *root, const char *build_dir, const char *release,
                           struct kernel_headers *headers, struct error *err) {
    *headers = (struct kernel_headers){.build_dir = strdup(build_dir)};
    if (!headers->build_dir)
        return error_oom(err, "reading kernel headers");
    return read_all(root, release, headers, err);
}

void kernel_headers_release(struct kernel_headers *headers) {
    free(headers->release);
    free(headers->build_dir);
    free(headers->shown_dir);
    free(headers->vermagic);
    free(headers->machine);
    free(headers->compiler);
    free(headers->signature_hash);
    keyvalue_release(&headers->config);
    buffer_release(&headers->symvers);
    *headers = (struct kernel_headers){0};
}
