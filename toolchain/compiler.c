#include "toolchain/compiler.h"

#include <string.h>

#include "base/log.h"
#include "base/process.h"
#include "toolchain/distro.h"

static const char clang_words[] = "clang version ";

/* clang's version line has no program name in front, gcc's begins with it. */
static const char *after_program(const char *version) {
    if (strstr(version, clang_words))
        return version;
    const char *space = strchr(version, ' ');
    return space ? space + 1 : "";
}

static bool is_same_compiler(const char *a, const char *b) {
    return !strcmp(after_program(a), after_program(b));
}

/* "gcc" or "gcc-12": the end of a program's name after its target triplet. */
static bool is_bare_gcc(const char *name) {
    if (strncmp(name, "gcc", 3))
        return false;
    const char *suffix = name + 3;
    return !*suffix ||
           (*suffix == '-' && suffix[1] && suffix[strspn(suffix, "-.0123456789")] == '\0');
}

/* Where the triplet in front of "gcc" ends: `word` itself when it has none, NULL for no gcc. */
static const char *skip_triplet(const char *word) {
    if (is_bare_gcc(word))
        return word;
    if (strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_-.") != strlen(word) || *word == '-')
        return NULL;
    const char *bare = strstr(word, "-gcc");
    return bare && is_bare_gcc(bare + 1) ? bare + 1 : NULL;
}

static int add_once(struct strlist *names, const char *name) {
    return strlist_contains(names, name) ? 0 : strlist_add(names, name);
}

/* "clang-14": `program` with the major version that begins at `digits`. */
static int add_major(struct strlist *names, const char *program, const char *digits) {
    size_t length = strspn(digits, "0123456789");
    if (length == 0 || length > 4)
        return 0;
    char name[32];
    snprintf(name, sizeof name, "%s-%.*s", program, (int)length, digits);
    return add_once(names, name);
}

static int gcc_candidates(const char *version_text, struct strlist *names) {
    AUTO_FREE char *word = strndup(version_text, strcspn(version_text, " "));
    if (!word)
        return -ENOMEM;
    const char *bare = skip_triplet(word);
    if (!bare)
        return 0;
    int rc = add_once(names, word);
    if (!rc)
        rc = add_once(names, bare);
    /* "gcc (Debian 12.2.0-14) 12.2.0": the version proper follows the vendor's parenthesis. */
    const char *vendor_end = strstr(version_text, ") ");
    if (!rc && vendor_end)
        rc = add_major(names, "gcc", vendor_end + 2);
    return rc ? rc : add_once(names, "gcc");
}

int compiler_candidates(const char *version_text, struct strlist *names) {
    const char *clang = strstr(version_text, clang_words);
    if (!clang)
        return gcc_candidates(version_text, names);
    int rc = add_major(names, "clang", clang + sizeof clang_words - 1);
    return rc ? rc : add_once(names, "clang");
}

/* The first line of `path --version`. */
static int ask_version(const char *path, char **version, struct error *err) {
    AUTO_BUFFER struct buffer output = {0};
    const char *const argv[] = {path, "--version", NULL};
    struct process_spec spec = {.argv = argv, .output = &output};
    struct process_result result;
    int rc = process_run(&spec, &result, err);
    if (rc)
        return rc;
    if (result.exit_status != 0)
        return error_set(err, ERROR_DEPENDENCY, ENOEXEC, "%s --version ended with %s", path,
                         process_describe(&result));
    const char *text = buffer_string(&output);
    *version = strndup(text, strcspn(text, "\n"));
    return *version ? 0 : error_oom(err, "asking a compiler's version");
}

static int try_candidate(const char *name, struct compiler *compiler, struct error *err) {
    int rc = process_find(name, &compiler->path, err);
    if (!rc)
        rc = ask_version(compiler->path, &compiler->version, err);
    if (!rc && !(compiler->name = strdup(name)))
        rc = error_oom(err, "looking for a compiler");
    return rc;
}

/* The candidate that is the wanted compiler, else the first one that is installed. */
static int search(const struct strlist *names, const char *version_text, struct compiler *best,
                  struct error *err) {
    for (size_t i = 0; i < names->count; i++) {
        AUTO_COMPILER struct compiler found = {0};
        int rc = try_candidate(names->items[i], &found, err);
        if (rc == -ENOENT)
            continue;
        if (rc)
            return rc;
        bool same = is_same_compiler(found.version, version_text);
        if (!same && best->path)
            continue;
        compiler_release(best);
        *best = found;
        found = (struct compiler){0};
        if (same)
            return 0;
    }
    return 0;
}

static int not_installed(const struct strlist *names, const char *version_text, struct error *err) {
    if (names->count == 0)
        return error_set(err, ERROR_DEPENDENCY, ENOTSUP,
                         "the kernel was built with '%s': prebake knows gcc and clang only",
                         version_text);
    enum distro_family family = distro_of_host();
    AUTO_FREE char *list = strlist_join(names, ", ");
    if (!list)
        return error_oom(err, "looking for a compiler");
    /* Debian names the package for the major version, which stands before the bare name. */
    const char *bare = names->items[names->count - 1];
    const char *versioned = names->count > 1 ? names->items[names->count - 2] : bare;
    return error_set(
        err, ERROR_DEPENDENCY, ENOENT,
        "the kernel was built with '%s', which is not installed (looked for %s): %s %s",
        version_text, list, distro_install_command(family),
        family == DISTRO_DEBIAN ? versioned : bare);
}

int compiler_find(const char *version_text, bool allow_mismatch, struct compiler *compiler,
                  struct error *err) {
    AUTO_STRLIST struct strlist names = {0};
    AUTO_COMPILER struct compiler best = {0};
    if (compiler_candidates(version_text, &names))
        return error_oom(err, "looking for a compiler");
    int rc = search(&names, version_text, &best, err);
    if (rc)
        return rc;
    if (!best.path)
        return not_installed(&names, version_text, err);
    if (!is_same_compiler(best.version, version_text)) {
        if (!allow_mismatch)
            return error_set(
                err, ERROR_DEPENDENCY, EINVAL,
                "the kernel was built with '%s', but %s is '%s': install that version, "
                "or accept this one with --allow-cc-mismatch",
                version_text, best.path, best.version);
        log_warning("the kernel was built with '%s'; its modules are compiled with '%s'",
                    version_text, best.version);
    }
    *compiler = best;
    best = (struct compiler){0};
    return 0;
}

void compiler_release(struct compiler *compiler) {
    free(compiler->path);
    free(compiler->name);
    free(compiler->version);
    *compiler = (struct compiler){0};
}
