#include "toolchain/preflight.h"

#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/process.h"
#include "base/temporary.h"
#include "toolchain/distro.h"

struct tool {
    const char *program;
    const char *debian; /* its package there … */
    const char *rpm;    /* … and on Fedora and SUSE */
};

static const struct tool tools[] = {
    {"make", "make", "make"},       {"bash", "bash", "bash"},
    {"awk", "mawk", "gawk"},        {"as", "binutils", "binutils"},
    {"ld", "binutils", "binutils"}, {"strip", "binutils", "binutils"},
    {"nm", "binutils", "binutils"}, {"objcopy", "binutils", "binutils"},
};
static const struct tool libc_headers = {"the C library's headers", "libc6-dev", "glibc-devel"};
static const struct tool patch = {"patch", "patch", "patch"};

struct lack {
    enum distro_family family;
    struct strlist things;
    struct strlist packages;
};

static void lack_release(struct lack *lack) {
    strlist_release(&lack->things);
    strlist_release(&lack->packages);
}

static int lack_add(struct lack *lack, const struct tool *tool, struct error *err) {
    const char *package = lack->family == DISTRO_DEBIAN ? tool->debian : tool->rpm;
    if (strlist_add(&lack->things, tool->program) ||
        (!strlist_contains(&lack->packages, package) && strlist_add(&lack->packages, package)))
        return error_oom(err, "looking for the build's tools");
    return 0;
}

static int find_tool(struct lack *lack, const struct tool *tool, struct error *err) {
    AUTO_FREE char *path = NULL;
    int rc = process_find(tool->program, &path, err);
    return rc == -ENOENT ? lack_add(lack, tool, err) : rc;
}

/* The sentence for what is missing; 0 when nothing is. `detail` is what the compiler said. */
static int report(const struct lack *lack, const char *detail, struct error *err) {
    if (lack->things.count == 0)
        return 0;
    AUTO_FREE char *things = strlist_join(&lack->things, ", ");
    AUTO_FREE char *packages = strlist_join(&lack->packages, " ");
    if (!things || !packages)
        return error_oom(err, "looking for the build's tools");
    return error_set(err, ERROR_DEPENDENCY, ENOENT,
                     "this machine lacks what compiling modules needs: %s%s%s%s; run: %s %s",
                     things, *detail ? " (" : "", detail, *detail ? ")" : "",
                     distro_install_command(lack->family), packages);
}

/* The compiler's first error, or its first line. */
static void first_error(const char *output, char *detail, size_t size) {
    const char *at = strstr(output, "error");
    while (at && at > output && at[-1] != '\n')
        at--;
    if (!at)
        at = output;
    snprintf(detail, size, "%.*s", (int)strcspn(at, "\n"), at);
}

/*
 * Compiles, and links when there is a linker, a program that uses libc: kbuild's host programs and
 * NVIDIA's configuration tests do the same, and fail late and obscurely when they can't.
 */
static int compile_probe(const struct compiler *compiler, const char *directory, bool link,
                         struct buffer *output, struct process_result *result, struct error *err) {
    static const char text[] = "#include <stdio.h>\n"
                               "#include <stdlib.h>\n"
                               "int main(void) { return puts(\"\") < 0 ? EXIT_FAILURE : 0; }\n";
    AUTO_FREE char *source = NULL, *temporary = NULL;
    if (asprintf(&source, "%s/probe.c", directory) < 0 ||
        asprintf(&temporary, "TMPDIR=%s", directory) < 0)
        return error_oom(err, "looking for the build's tools");
    AUTO_CLOSE int fd = open(source, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_io(err, errno, "can't create %s", source);
    int rc = file_write_all(fd, text, sizeof text - 1);
    if (rc)
        return error_io(err, -rc, "can't write %s", source);
    const char *const argv[] = {
        compiler->path, "-o", "probe", "probe.c", link ? NULL : "-fsyntax-only", NULL};
    const char *const environment[] = {temporary, NULL};
    struct process_spec spec = {
        .argv = argv, .environment = environment, .directory = directory, .output = output};
    return process_run(&spec, result, err);
}

static int check_libc(const struct compiler *compiler, struct lack *lack, char *detail, size_t size,
                      struct error *err) {
    AUTO_TEMPORARY struct temporary directory = {0};
    AUTO_BUFFER struct buffer output = {0};
    struct process_result result = {0};
    bool link = !strlist_contains(&lack->packages, "binutils");
    int rc = temporary_make(NULL, &directory, err);
    if (!rc)
        rc = compile_probe(compiler, directory.path, link, &output, &result, err);
    if (rc)
        return rc;
    if (result.exit_status == 0)
        return 0;
    first_error(buffer_string(&output), detail, size);
    return lack_add(lack, &libc_headers, err);
}

/* It was there when it was found; a probe that can't start would hide the other missing tools. */
static int check_compiler(const struct compiler *compiler, struct lack *lack, char *detail,
                          size_t size, struct error *err) {
    const struct tool package = {.program = compiler->name,
                                 .debian = compiler->name,
                                 .rpm = strstr(compiler->name, "clang") ? "clang" : "gcc"};
    if (access(compiler->path, X_OK))
        return lack_add(lack, &package, err);
    return check_libc(compiler, lack, detail, size, err);
}

int preflight_check(const struct compiler *compiler, struct error *err) {
    AUTO(lack_release) struct lack lack = {.family = distro_of_host()};
    char detail[256] = "";
    int rc = 0;
    for (size_t i = 0; !rc && i < ARRAY_SIZE(tools); i++)
        rc = find_tool(&lack, &tools[i], err);
    if (!rc)
        rc = check_compiler(compiler, &lack, detail, sizeof detail, err);
    return rc ? rc : report(&lack, detail, err);
}

int preflight_check_patch(struct error *err) {
    AUTO(lack_release) struct lack lack = {.family = distro_of_host()};
    int rc = find_tool(&lack, &patch, err);
    return rc ? rc : report(&lack, "", err);
}
