#include "test/unit/workdir.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/process.h"
#include "base/tree.h"

static char folder[] = "/tmp/prebake-unit-XXXXXX";

int workdir_open(void) {
    memcpy(strrchr(folder, '-'), "-XXXXXX", 7);
    return mkdtemp(folder) ? 0 : 1;
}

int workdir_close(void) {
    return tree_remove(AT_FDCWD, folder, NULL) ? 1 : 0;
}

const char *workdir_path(const char *name) {
    static char paths[8][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % ARRAY_SIZE(paths)];
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

bool workdir_write(const char *name, const void *data, size_t size) {
    AUTO_CLOSE int fd = open(workdir_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0 && !file_write_all(fd, data, size))
        return true;
    fprintf(stderr, "can't write %s\n", workdir_path(name));
    return false;
}

bool workdir_read(const char *name, struct buffer *out) {
    struct error err = {0};
    if (!file_read_path(workdir_path(name), 1UL << 30, out, &err))
        return true;
    fprintf(stderr, "%s\n", err.text);
    return false;
}

static bool run(const struct strlist *argv, struct buffer *output) {
    struct error err = {0};
    struct process_result result;
    struct process_spec spec = {
        .argv = (const char *const *)argv->items, .directory = folder, .output = output};
    if (process_run(&spec, &result, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    if (result.exit_status != 0)
        fprintf(stderr, "%s: %s: %s\n", argv->items[0], process_describe(&result),
                buffer_string(output));
    return result.exit_status == 0;
}

static bool collect(struct strlist *argv, const char *program, va_list args) {
    struct error err = {0};
    AUTO_FREE char *found = NULL;
    if (program[0] != '/' && process_find(program, &found, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return false;
    }
    int rc = strlist_add(argv, found ? found : program);
    for (const char *arg; !rc && (arg = va_arg(args, const char *));)
        rc = strlist_add(argv, arg);
    return !rc;
}

bool workdir_run(const char *program, ...) {
    AUTO_STRLIST struct strlist argv = {0};
    AUTO_BUFFER struct buffer output = {0};
    va_list args;
    va_start(args, program);
    bool ok = collect(&argv, program, args) && run(&argv, &output);
    va_end(args);
    return ok;
}

bool workdir_output(struct buffer *output, const char *program, ...) {
    AUTO_STRLIST struct strlist argv = {0};
    va_list args;
    va_start(args, program);
    bool ok = collect(&argv, program, args) && run(&argv, output);
    va_end(args);
    return ok;
}

bool workdir_module(const char *name, const char *vermagic) {
    static const char head[] = "#define INFO(n, text) static const char info_##n[] "
                               "__attribute__((section(\".modinfo\"), used)) = text\n"
                               "INFO(0, \"name=small\");\nINFO(1, \"license=GPL\");\n"
                               "INFO(2, \"version=1.2.3\");\n"
                               "int numbers[5000] = {3, 1, 4, 1, 5};\n"
                               "int init_module(void) { return numbers[2]; }\n";
    AUTO_BUFFER struct buffer source = {0};
    if (buffer_append_string(&source, head) ||
        buffer_printf(&source, "INFO(3, \"vermagic=%s\");\n", vermagic))
        return false;
    return workdir_write("module.c", source.data, source.size) &&
           workdir_run("gcc", "-O2", "-g", "-c", "module.c", "-o", name, NULL);
}

unsigned workdir_random(void) {
    static unsigned long long state = 88172645463325252ULL;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)(state >> 32);
}
