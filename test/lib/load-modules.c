/*
 * Gives modules to the kernel, one after the other, and says what came of each. Reads lines
 *
 *     NAME FILE MODULE [NEEDED-FILE NEEDED-MODULE]
 *
 * on standard input and prints "NAME VIA ERRNO": ok or the errno's name. VIA is finit_module for a
 * plain file and kmod for a packed one, which libkmod unpacks where the kernel doesn't. With the
 * argument --unpacked-by-kernel it is finit_module for all, and the kernel is told that they are
 * packed. What was loaded is unloaded again.
 */
#include <errno.h>
#include <fcntl.h>
#include <libkmod.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COMPRESSED_FILE 4 /* MODULE_INIT_COMPRESSED_FILE of later kernels' headers */

static int load_by_kernel(const char *path, int flags) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    int failure = syscall(SYS_finit_module, fd, "", flags) ? errno : 0;
    close(fd);
    return failure;
}

static int load_by_kmod(const char *path) {
    static const char *const no_configuration[] = {NULL};
    struct kmod_ctx *context = kmod_new(NULL, no_configuration);
    struct kmod_module *module = NULL;
    int failure = context ? kmod_module_new_from_path(context, path, &module) : -ENOMEM;
    if (failure >= 0)
        failure = kmod_module_insert_module(module, 0, NULL);
    kmod_module_unref(module);
    kmod_unref(context);
    return failure < 0 ? -failure : 0;
}

static bool is_packed(const char *path) {
    const char *suffix = strrchr(path, '.');
    return suffix && strcmp(suffix, ".ko") != 0;
}

static void unload(const char *module) {
    syscall(SYS_delete_module, module, O_NONBLOCK);
}

static const char *name_of(int failure) {
    const char *name = failure ? strerrorname_np(failure) : "ok";
    return name ? name : "unknown";
}

int main(int argc, char **argv) {
    bool by_kernel = argc > 1 && strcmp(argv[1], "--unpacked-by-kernel") == 0;
    char line[1024], name[64], file[256], module[64], needed_file[256], needed[64];
    while (fgets(line, sizeof line, stdin)) {
        int words =
            sscanf(line, "%63s %255s %63s %255s %63s", name, file, module, needed_file, needed);
        if (words < 3)
            return 1;
        int failure = words == 5 ? load_by_kernel(needed_file, 0) : 0;
        if (failure) {
            printf("%s needed %s\n", name, name_of(failure));
            continue;
        }
        bool by_kmod = !by_kernel && is_packed(file);
        failure =
            by_kmod ? load_by_kmod(file) : load_by_kernel(file, by_kernel ? COMPRESSED_FILE : 0);
        printf("%s %s %s\n", name, by_kmod ? "kmod" : "finit_module", name_of(failure));
        if (!failure)
            unload(module);
        if (words == 5)
            unload(needed);
    }
    return 0;
}
