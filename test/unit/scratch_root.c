#include "test/unit/scratch_root.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>

#include "base/file.h"
#include "base/process.h"
#include "base/tree.h"

static _Noreturn void give_up(const char *what, const struct error *err) {
    fprintf(stderr, "the test can't prepare %s: %s\n", what, err ? err->text : strerror(errno));
    exit(99);
}

void scratch_root_make(struct root *root) {
    struct error err = {0};
    char path[] = "/tmp/prebake-test-XXXXXX";
    if (!mkdtemp(path))
        give_up(path, NULL);
    if (root_open(root, path, &err))
        give_up(path, &err);
}

void scratch_root_remove(struct root *root) {
    struct error err = {0};
    if (root->fd >= 0 && tree_remove(AT_FDCWD, root->path, &err))
        give_up("its own removal", &err);
    root_close(root);
}

void scratch_root_dir(const struct root *root, const char *path) {
    struct error err = {0};
    if (root_make_dirs(root, path, 0755, NULL, &err))
        give_up(path, &err);
}

static void make_parent(const struct root *root, const char *path) {
    AUTO_FREE char *parent = strdup(path);
    if (!parent)
        give_up(path, NULL);
    *strrchr(parent, '/') = '\0';
    if (*parent)
        scratch_root_dir(root, parent);
}

void scratch_root_write_bytes(const struct root *root, const char *path, const void *data,
                              size_t size) {
    struct error err = {0};
    struct file_meta meta = FILE_META_DEFAULT;
    make_parent(root, path);
    if (file_publish(root, path, data, size, &meta, &err))
        give_up(path, &err);
}

void scratch_root_write(const struct root *root, const char *path, const char *text) {
    scratch_root_write_bytes(root, path, text, strlen(text));
}

void scratch_root_link(const struct root *root, const char *path, const char *target) {
    struct error err = {0};
    make_parent(root, path);
    if (file_publish_link(root, path, target, &err))
        give_up(path, &err);
}

void scratch_root_copy(const struct root *root, const char *path, const char *from) {
    make_parent(root, path);
    scratch_root_run("cp", "-L", "--preserve=mode", from, scratch_root_host(root, path), NULL);
}

const char *scratch_root_host(const struct root *root, const char *path) {
    static struct strlist paths;
    AUTO_FREE char *host = root_host_path(root, path);
    if (!host || strlist_add(&paths, host))
        give_up(path, NULL);
    return paths.items[paths.count - 1];
}

static void run(const struct strlist *argv) {
    struct error err = {0};
    AUTO_FREE char *program = NULL;
    AUTO_BUFFER struct buffer output = {0};
    if (process_find(argv->items[0], &program, &err))
        give_up(argv->items[0], &err);
    free(argv->items[0]);
    argv->items[0] = STEAL(program);
    struct process_spec spec = {.argv = (const char *const *)argv->items, .output = &output};
    struct process_result result;
    if (process_run(&spec, &result, &err))
        give_up(argv->items[0], &err);
    if (result.exit_status == 0)
        return;
    snprintf(err.text, sizeof err.text, "%.1000s", buffer_string(&output));
    give_up(argv->items[0], &err);
}

void scratch_root_run(const char *program, ...) {
    AUTO_STRLIST struct strlist argv = {0};
    va_list args;
    va_start(args, program);
    for (const char *item = program; item; item = va_arg(args, const char *))
        if (strlist_add(&argv, item))
            give_up(program, NULL);
    va_end(args);
    run(&argv);
}

void scratch_root_compile(const struct root *root, const char *path, const char *source,
                          const char *const *arguments) {
    AUTO_STRLIST struct strlist argv = {0};
    AUTO_FREE char *source_path = NULL;
    if (asprintf(&source_path, "%s.c", path) < 0)
        give_up(path, NULL);
    scratch_root_write(root, source_path, source);
    const char *first[] = {"gcc", "-o", scratch_root_host(root, path),
                           scratch_root_host(root, source_path)};
    for (size_t i = 0; i < ARRAY_SIZE(first); i++)
        if (strlist_add(&argv, first[i]))
            give_up(path, NULL);
    for (; arguments && *arguments; arguments++)
        if (strlist_add(&argv, *arguments))
            give_up(path, NULL);
    run(&argv);
    unlink(scratch_root_host(root, source_path));
}
