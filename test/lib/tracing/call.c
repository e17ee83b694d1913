#include "test/lib/tracing/call.h"

#include <err.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PATH_SIZE 4096

/* When a call counts. `argument` is where the flags or the descriptor are. */
enum rule {
    ALWAYS,
    FLAGS,     /* the open flags write or create */
    HOW_FLAGS, /* the same in a struct open_how */
    TO_FILE,   /* the descriptor is a regular file */
    WRITTEN,   /* the descriptor is a regular file, open for writing */
};

/* How a call names what it changes. */
enum names {
    NOTHING,
    FD,      /* a descriptor */
    PATH,    /* a path */
    AT,      /* a directory's descriptor and a path */
    PATHS,   /* two paths */
    AT_AT,   /* two of AT */
    LINK,    /* only the second of two paths */
    LINK_AT, /* the same with a directory's descriptor before the second */
};

struct call {
    const char *name;
    long number;
    enum rule rule;
    int argument;
    enum names names;
};

static const struct call calls[] = {
#define CALL(name, ...)                                                                            \
    { #name, SYS_##name, __VA_ARGS__ }
    CALL(open, FLAGS, 1, PATH),
    CALL(openat, FLAGS, 2, AT),
    CALL(openat2, HOW_FLAGS, 2, AT),
    CALL(creat, ALWAYS, 0, PATH),
    CALL(write, TO_FILE, 0, FD),
    CALL(pwrite64, TO_FILE, 0, FD),
    CALL(writev, TO_FILE, 0, FD),
    CALL(pwritev, TO_FILE, 0, FD),
    CALL(pwritev2, TO_FILE, 0, FD),
    CALL(sendfile, TO_FILE, 0, FD),
    CALL(copy_file_range, TO_FILE, 2, NOTHING),
    CALL(splice, TO_FILE, 2, NOTHING),
    CALL(ftruncate, ALWAYS, 0, FD),
    CALL(truncate, ALWAYS, 0, PATH),
    CALL(fallocate, ALWAYS, 0, FD),
    CALL(rename, ALWAYS, 0, PATHS),
    CALL(renameat, ALWAYS, 0, AT_AT),
    CALL(renameat2, ALWAYS, 0, AT_AT),
    CALL(unlink, ALWAYS, 0, PATH),
    CALL(unlinkat, ALWAYS, 0, AT),
    CALL(rmdir, ALWAYS, 0, PATH),
    CALL(mkdir, ALWAYS, 0, PATH),
    CALL(mkdirat, ALWAYS, 0, AT),
    CALL(mknod, ALWAYS, 0, PATH),
    CALL(mknodat, ALWAYS, 0, AT),
    CALL(symlink, ALWAYS, 0, LINK),
    CALL(symlinkat, ALWAYS, 0, LINK_AT),
    CALL(link, ALWAYS, 0, LINK),
    CALL(linkat, ALWAYS, 0, AT_AT),
    CALL(chmod, ALWAYS, 0, PATH),
    CALL(fchmod, ALWAYS, 0, FD),
    CALL(fchmodat, ALWAYS, 0, AT),
    CALL(chown, ALWAYS, 0, PATH),
    CALL(lchown, ALWAYS, 0, PATH),
    CALL(fchown, ALWAYS, 0, FD),
    CALL(fchownat, ALWAYS, 0, AT),
    CALL(setxattr, ALWAYS, 0, PATH),
    CALL(lsetxattr, ALWAYS, 0, PATH),
    CALL(fsetxattr, ALWAYS, 0, FD),
    CALL(removexattr, ALWAYS, 0, PATH),
    CALL(lremovexattr, ALWAYS, 0, PATH),
    CALL(fremovexattr, ALWAYS, 0, FD),
    CALL(utime, ALWAYS, 0, PATH),
    CALL(utimes, ALWAYS, 0, PATH),
    CALL(futimesat, ALWAYS, 0, AT),
    CALL(utimensat, ALWAYS, 0, AT),
    CALL(fsync, ALWAYS, 0, FD),
    CALL(fdatasync, ALWAYS, 0, FD),
    CALL(sync, ALWAYS, 0, NOTHING),
    CALL(syncfs, ALWAYS, 0, FD),
    CALL(close, WRITTEN, 0, FD),
    CALL(init_module, ALWAYS, 0, NOTHING),
    CALL(finit_module, ALWAYS, 0, FD),
    CALL(delete_module, ALWAYS, 0, NOTHING),
#undef CALL
};

#define CALLS (sizeof calls / sizeof *calls)

/* The registers of x86-64's system call arguments. */
static uint64_t argument(const struct user_regs_struct *regs, int number) {
    const uint64_t arguments[] = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};
    return arguments[number];
}

void call_install_filter(void) {
    struct sock_filter filter[2 * CALLS + 2];
    size_t count = 0;
    filter[count++] =
        (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALLS; i++) {
        filter[count++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                                       (unsigned)calls[i].number, 0, 1);
        filter[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
    }
    filter[count++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {.len = (unsigned short)count, .filter = filter};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
        err(125, "can't install the filter of system calls");
}

static size_t read_memory(pid_t pid, uint64_t address, void *into, size_t size) {
    struct iovec local = {.iov_base = into, .iov_len = size};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)address, .iov_len = size};
    ssize_t got = process_vm_readv(pid, &local, 1, &remote, 1, 0);
    return got < 0 ? 0 : (size_t)got;
}

/* A string of the process. A read that would cross into an unmapped page is cut at the page. */
static void read_string(pid_t pid, uint64_t address, char text[static PATH_SIZE]) {
    size_t to_page = 4096 - address % 4096;
    size_t got = read_memory(pid, address, text, to_page < PATH_SIZE ? to_page : PATH_SIZE - 1);
    text[got] = '\0';
    if (strlen(text) == got && got < PATH_SIZE - 1)
        text[got + read_memory(pid, address + got, text + got, PATH_SIZE - 1 - got)] = '\0';
    text[PATH_SIZE - 1] = '\0';
}

static void proc_path(pid_t pid, int fd, const char *kind, char path[static 64]) {
    if (fd == AT_FDCWD)
        snprintf(path, 64, "/proc/%d/cwd", pid);
    else
        snprintf(path, 64, "/proc/%d/%s/%d", pid, kind, fd);
}

static bool is_regular(pid_t pid, int fd) {
    char path[64];
    struct stat st;
    proc_path(pid, fd, "fd", path);
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool writes(uint64_t flags) {
    return !(flags & O_PATH) && (flags & (O_ACCMODE | O_CREAT | O_TRUNC));
}

static bool is_written(pid_t pid, int fd) {
    char path[64], line[128];
    unsigned flags = 0;
    proc_path(pid, fd, "fdinfo", path);
    FILE *info = fopen(path, "re");
    while (info && fgets(line, sizeof line, info))
        if (sscanf(line, "flags: %o", &flags) == 1)
            break;
    if (info)
        fclose(info);
    return writes(flags) && is_regular(pid, fd);
}

/* A terminal or /dev/null that is opened for writing is no change. */
static bool is_device(pid_t pid, const struct call *call, const struct user_regs_struct *regs) {
    char text[PATH_SIZE];
    read_string(pid, argument(regs, call->names == AT ? 1 : 0), text);
    return !strncmp(text, "/dev/", 5);
}

bool call_counts(pid_t pid, const struct call *call, const struct user_regs_struct *regs) {
    uint64_t value = argument(regs, call->argument);
    struct open_how how = {0};
    switch (call->rule) {
    case ALWAYS:
        return true;
    case FLAGS:
        return writes(value) && !is_device(pid, call, regs);
    case HOW_FLAGS:
        read_memory(pid, value, &how, sizeof how);
        return writes(how.flags) && !is_device(pid, call, regs);
    case TO_FILE:
        return is_regular(pid, (int)value);
    case WRITTEN:
        return is_written(pid, (int)value);
    }
    return false;
}

static void print_fd(FILE *file, pid_t pid, int fd) {
    char path[64], target[PATH_SIZE];
    proc_path(pid, fd, "fd", path);
    ssize_t size = readlink(path, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = '\0';
    fputs(target, file);
}

static void print_path(FILE *file, pid_t pid, int directory, uint64_t address) {
    char text[PATH_SIZE];
    read_string(pid, address, text);
    if (address == 0 || text[0] != '/')
        print_fd(file, pid, directory);
    if (text[0] != '/' && text[0] != '\0')
        fputc('/', file);
    fputs(text, file);
}

void call_print_names(FILE *file, pid_t pid, const struct call *call,
                      const struct user_regs_struct *regs) {
    int first = (int)argument(regs, 0), third = (int)argument(regs, 2);
    switch (call->names) {
    case NOTHING:
        return;
    case FD:
        print_fd(file, pid, first);
        return;
    case PATH:
        print_path(file, pid, AT_FDCWD, argument(regs, 0));
        return;
    case AT:
        print_path(file, pid, first, argument(regs, 1));
        return;
    case PATHS:
        print_path(file, pid, AT_FDCWD, argument(regs, 0));
        fputc('\t', file);
        print_path(file, pid, AT_FDCWD, argument(regs, 1));
        return;
    case AT_AT:
        print_path(file, pid, first, argument(regs, 1));
        fputc('\t', file);
        print_path(file, pid, third, argument(regs, 3));
        return;
    case LINK:
        print_path(file, pid, AT_FDCWD, argument(regs, 1));
        return;
    case LINK_AT:
        print_path(file, pid, (int)argument(regs, 1), argument(regs, 2));
        return;
    }
}

const struct call *call_find(const struct user_regs_struct *regs) {
    for (size_t i = 0; i < CALLS; i++)
        if ((long)regs->orig_rax == calls[i].number)
            return &calls[i];
    return NULL;
}

const char *call_name(const struct call *call) {
    return call->name;
}
