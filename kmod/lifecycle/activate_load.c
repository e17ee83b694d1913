#include "kmod/lifecycle/activate_load.h"

#include <string.h>

#include "base/process.h"

#define WORDS_MAX 4096
#define WORDS_SHOWN 512 /* in an error's sentence */

static const char loading[] = "loading the bake's modules";

/* The index knows a module by its file's name. */
static int add_name(const struct facts_module *module, struct strlist *argv) {
    const char *base = strrchr(module->path, '/');
    AUTO_FREE char *name = base ? strndup(base + 1, strcspn(base + 1, ".")) : NULL;
    return name ? strlist_add(argv, name) : -ENOMEM;
}

static int make_arguments(const char *modprobe, const struct facts *facts, struct strlist *argv) {
    int rc = strlist_add(argv, modprobe);
    if (!rc)
        rc = strlist_add(argv, "--all");
    for (size_t i = 0; !rc && i < facts->module_count; i++)
        rc = add_name(&facts->modules[i], argv);
    return rc;
}

/* modprobe's status is 1 for everything; strerror(3) of what the kernel said is in its words. */
static enum error_kind kind_of(const char *words) {
    static const struct {
        const char *words;
        enum error_kind kind;
    } known[] = {
        {"Key was rejected by service", ERROR_SIGNING},
        {"Required key not available", ERROR_SIGNING},
        {"Operation not permitted", ERROR_SIGNING},
        {"No such device", ERROR_MISMATCH},
        {"Exec format error", ERROR_MISMATCH},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (strstr(words, known[i].words))
            return known[i].kind;
    return ERROR_INTERNAL;
}

int activate_load_check(const struct root *root, struct error *err) {
    if (root->is_host)
        return 0;
    return error_set(err, ERROR_USAGE, EINVAL,
                     "modules are loaded in the running system only, not in %s", root->path);
}

int activate_load_modules(const struct facts *facts, struct error *err) {
    AUTO_STRLIST struct strlist argv = {0};
    AUTO_BUFFER struct buffer words = {0};
    AUTO_FREE char *modprobe = NULL;
    int rc = process_find("modprobe", &modprobe, err);
    if (!rc && make_arguments(modprobe, facts, &argv))
        rc = error_oom(err, loading);
    if (rc)
        return rc;
    struct process_spec spec = {
        .argv = (const char *const *)argv.items, .output = &words, .output_max = WORDS_MAX};
    struct process_result result;
    rc = process_run(&spec, &result, err);
    if (rc || result.exit_status == 0)
        return rc;
    const char *text = buffer_string(&words);
    return error_set(err, kind_of(text), EIO, "the bake is active, but modprobe %s: %.*s",
                     process_describe(&result), WORDS_SHOWN, text);
}
