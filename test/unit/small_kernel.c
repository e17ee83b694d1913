#include "test/unit/small_kernel.h"

#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>

#include "base/buffer.h"
#include "base/digest.h"
#include "base/process.h"
#include "base/tree.h"
#include "test/unit/scratch_root.h"

static _Noreturn void give_up(const char *what, const struct error *err) {
    fprintf(stderr, "the test can't prepare its kernel: %s: %s\n", what, err->text);
    exit(99);
}

/* An object with the sections that depmod reads: .modinfo, __ksymtab_strings, undefined symbols. */
void small_kernel_module(const struct root *root, const char *path, const char *alias,
                         const char *exports, const char *needs) {
    static const char *const arguments[] = {"-c", "-O2", NULL};
    AUTO_BUFFER struct buffer source = {0};
    int rc = buffer_printf(&source,
                           "__attribute__((section(\".modinfo\"), used)) static const char info[] ="
                           " \"license=GPL\\0%s%s\";\n",
                           alias ? "alias=" : "description=", alias ? alias : "none");
    if (!rc && exports)
        rc = buffer_printf(&source,
                           "__attribute__((section(\"__ksymtab_strings\"), used)) static const "
                           "char name[] = \"%s\";\nvoid %s(void) {}\n",
                           exports, exports);
    if (!rc && needs)
        rc = buffer_printf(&source, "void %s(void);\nvoid start(void) { %s(); }\n", needs, needs);
    if (rc)
        exit(99);
    scratch_root_compile(root, path, buffer_string(&source), arguments);
}

void small_kernel_make(const struct root *root) {
    scratch_root_dir(root, "/usr/lib/modules");
    scratch_root_link(root, "/lib", "usr/lib");
    small_kernel_module(root, SMALL_KERNEL_DIR "/kernel/base.ko", NULL, "base_call", NULL);
    small_kernel_module(root, SMALL_KERNEL_DIR "/kernel/user.ko", "pci:v0000AAAAd*", NULL,
                        "base_call");
    small_kernel_module(root, SMALL_KERNEL_DIR "/kernel/twin.ko", "pci:v0000BBBBd*", NULL, NULL);
    scratch_root_write(root, SMALL_KERNEL_DIR "/modules.order",
                       "kernel/user.ko\nkernel/base.ko\nkernel/twin.ko\n");
    scratch_root_write(root, SMALL_KERNEL_DIR "/modules.builtin", "kernel/fs/ext4.ko\n");
    static const char modinfo[] = "ext4.license=GPL\0ext4.alias=fs-ext4";
    scratch_root_write_bytes(root, SMALL_KERNEL_DIR "/modules.builtin.modinfo", modinfo,
                             sizeof modinfo);
    scratch_root_link(root, SMALL_KERNEL_DIR "/build", "/usr/src/nowhere");
}

bool small_kernel_index_is_depmods(const struct root *root) {
    AUTO_ROOT struct root copy = ROOT_INIT;
    scratch_root_make(&copy);
    scratch_root_run("cp", "-a", scratch_root_host(root, "/usr"), scratch_root_host(root, "/lib"),
                     copy.path, NULL);
    scratch_root_run("find", scratch_root_host(&copy, SMALL_KERNEL_DIR), "-maxdepth", "1", "-name",
                     "modules.*", "!", "-name", "modules.order", "!", "-name", "modules.builtin",
                     "!", "-name", "modules.builtin.modinfo", "-delete", NULL);
    scratch_root_dir(&copy, "/none");
    scratch_root_run("depmod", "-b", copy.path, "-C", scratch_root_host(&copy, "/none"),
                     SMALL_KERNEL, NULL);
    const char *argv[] = {"/usr/bin/diff",
                          "-r",
                          "--no-dereference",
                          scratch_root_host(root, SMALL_KERNEL_DIR "/"),
                          scratch_root_host(&copy, SMALL_KERNEL_DIR "/"),
                          NULL};
    AUTO_BUFFER struct buffer output = {0};
    struct process_spec spec = {.argv = argv, .output = &output};
    struct process_result result = {.exit_status = 99};
    struct error err = {0};
    if (process_run(&spec, &result, &err))
        give_up("diff", &err);
    fputs(buffer_string(&output), stderr);
    scratch_root_remove(&copy);
    return result.exit_status == 0;
}

static int describe_entry(void *context, const struct tree_entry *entry, struct error *err) {
    const struct stat *st = entry->st;
    char digest[DIGEST_HEX_SIZE] = "-", attribute[64] = "-";
    AUTO_CLOSE int fd = S_ISREG(st->st_mode) ? openat(entry->parent, entry->name, O_RDONLY) : -1;
    if (fd >= 0) {
        ssize_t size = fgetxattr(fd, "user.test", attribute, sizeof attribute - 1);
        attribute[size > 0 ? size : 0] = '\0';
        int rc = digest_fd(fd, entry->path, digest, err);
        if (rc)
            return rc;
    }
    bool is_dir = S_ISDIR(st->st_mode);
    return buffer_printf(context, "%s ino=%lu mode=%o uid=%u nlink=%lu mtime=%ld.%09ld %s %s\n",
                         entry->path, st->st_ino, st->st_mode, st->st_uid,
                         is_dir ? 0 : st->st_nlink, is_dir ? 0 : st->st_mtim.tv_sec,
                         is_dir ? 0 : st->st_mtim.tv_nsec, digest, attribute);
}

char *small_kernel_snapshot(const struct root *root) {
    AUTO_BUFFER struct buffer text = {0};
    struct error err = {0};
    AUTO_CLOSE int fd = -1;
    if (root_open_dir(root, SMALL_KERNEL_DIR, &fd, &err) ||
        tree_walk(fd, SMALL_KERNEL_DIR, describe_entry, &text, &err))
        give_up("its snapshot", &err);
    return (char *)STEAL(text.data);
}

bool small_kernel_resolves(const struct root *root, const char *module) {
    const char *argv[] = {"/sbin/modprobe", "-n",   "-d", root->path, "-S", SMALL_KERNEL,
                          "--show-depends", module, NULL};
    struct process_spec spec = {.argv = argv};
    struct process_result result = {.exit_status = 99};
    struct error err = {0};
    if (process_run(&spec, &result, &err))
        give_up("modprobe", &err);
    return result.exit_status == 0;
}
