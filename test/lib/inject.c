/*
 * inject FILE list -- COMMAND…       lists the calls that change something, in their order
 * inject FILE N FAULT -- COMMAND…    lets the Nth of them go wrong
 *
 * FAULT is "crash" (every process ends there, as when the power fails), "kill" (the calling process
 * alone gets SIGKILL), or ENOSPC or EIO (the call is not made and fails so). FILE gets a line for
 * each listed call, or for the one that was hit: number, call, program, the paths it names, by
 * tabs. The status is the command's, 128+n when a signal ended it.
 *
 * Counted are the calls of the command and of all it starts, up to where a process has gone into a
 * mount namespace of its own: what a confined build does there is not seen outside. A call counts
 * whether or not it succeeds.
 *
 * strace -e inject counts for each call and process, stops at every system call and can't tell a
 * close() after writing from others; here the kernel stops a process at the listed calls only, so
 * that a run costs little more than without. That both count the same is a test.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRACEES_MAX 64
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

static const struct call {
    const char *name;
    long number;
    enum rule rule;
    int argument;
    enum names names;
} calls[] = {
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

enum fault { NO_FAULT, CRASH, KILL, ERRNO };

static struct {
    FILE *file;
    unsigned long wanted; /* 0: list */
    enum fault fault;
    int error;
    unsigned long seen;
    ino_t namespace; /* our mount namespace */
    pid_t tracees[TRACEES_MAX];
    size_t tracee_count;
} run;

/* The registers of x86-64's system call arguments. */
static uint64_t argument(const struct user_regs_struct *regs, int number) {
    const uint64_t arguments[] = {regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9};
    return arguments[number];
}

/* Stops the process at the listed calls, and lets all others pass. */
static void install_filter(void) {
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

static bool counts(pid_t pid, const struct call *call, const struct user_regs_struct *regs) {
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

static void print_fd(pid_t pid, int fd) {
    char path[64], target[PATH_SIZE];
    proc_path(pid, fd, "fd", path);
    ssize_t size = readlink(path, target, sizeof target - 1);
    target[size < 0 ? 0 : size] = '\0';
    fputs(target, run.file);
}

static void print_path(pid_t pid, int directory, uint64_t address) {
    char text[PATH_SIZE];
    read_string(pid, address, text);
    if (address == 0 || text[0] != '/')
        print_fd(pid, directory);
    if (text[0] != '/' && text[0] != '\0')
        fputc('/', run.file);
    fputs(text, run.file);
}

static void print_names(pid_t pid, enum names names, const struct user_regs_struct *regs) {
    int first = (int)argument(regs, 0), third = (int)argument(regs, 2);
    switch (names) {
    case NOTHING:
        return;
    case FD:
        print_fd(pid, first);
        return;
    case PATH:
        print_path(pid, AT_FDCWD, argument(regs, 0));
        return;
    case AT:
        print_path(pid, first, argument(regs, 1));
        return;
    case PATHS:
        print_path(pid, AT_FDCWD, argument(regs, 0));
        fputc('\t', run.file);
        print_path(pid, AT_FDCWD, argument(regs, 1));
        return;
    case AT_AT:
        print_path(pid, first, argument(regs, 1));
        fputc('\t', run.file);
        print_path(pid, third, argument(regs, 3));
        return;
    case LINK:
        print_path(pid, AT_FDCWD, argument(regs, 1));
        return;
    case LINK_AT:
        print_path(pid, (int)argument(regs, 1), argument(regs, 2));
        return;
    }
}

static void print_process(pid_t pid) {
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    FILE *comm = fopen(path, "re");
    if (comm && fgets(name, sizeof name, comm))
        name[strcspn(name, "\n")] = '\0';
    if (comm)
        fclose(comm);
    fputs(name, run.file);
}

static void report(pid_t pid, const struct call *call, const struct user_regs_struct *regs) {
    fprintf(run.file, "%lu\t%s\t", run.seen, call->name);
    print_process(pid);
    fputc('\t', run.file);
    print_names(pid, call->names, regs);
    fputc('\n', run.file);
}

/* A call whose number is −1 is not made; what it returns is then in rax. */
static void fail_call(pid_t pid, struct user_regs_struct regs) {
    regs.orig_rax = ~0ULL;
    regs.rax = (unsigned long long)-(long long)run.error;
    if (ptrace(PTRACE_SETREGS, pid, NULL, &regs))
        err(125, "can't change a system call");
}

/* A process that is killed at this stop does not make the call any more. */
static void inject(pid_t pid, const struct user_regs_struct *regs) {
    switch (run.fault) {
    case NO_FAULT:
        break;
    case CRASH:
        for (size_t i = 0; i < run.tracee_count; i++)
            kill(run.tracees[i], SIGKILL);
        break;
    case KILL:
        kill(pid, SIGKILL);
        break;
    case ERRNO:
        fail_call(pid, *regs);
        break;
    }
}

static bool is_confined(pid_t pid) {
    char path[64];
    struct stat st;
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
    return stat(path, &st) || st.st_ino != run.namespace;
}

static void at_call(pid_t pid) {
    struct user_regs_struct regs;
    if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
        return; /* killed meanwhile */
    for (size_t i = 0; i < CALLS; i++) {
        const struct call *call = &calls[i];
        if ((long)regs.orig_rax != call->number)
            continue;
        if (is_confined(pid) || !counts(pid, call, &regs))
            return;
        run.seen++;
        if (run.wanted == 0 || run.wanted == run.seen)
            report(pid, call, &regs);
        if (run.wanted == run.seen)
            inject(pid, &regs);
        return;
    }
}

static void add_tracee(pid_t pid) {
    for (size_t i = 0; i < run.tracee_count; i++)
        if (run.tracees[i] == pid)
            return;
    if (run.tracee_count == TRACEES_MAX)
        errx(125, "more than %d processes at a time", TRACEES_MAX);
    run.tracees[run.tracee_count++] = pid;
}

static void drop_tracee(pid_t pid) {
    for (size_t i = 0; i < run.tracee_count; i++)
        if (run.tracees[i] == pid)
            run.tracees[i--] = run.tracees[--run.tracee_count];
}

/* Lets a stopped process go on; `signal` is the one that it is to get. */
static void go_on(pid_t pid, int signal) {
    ptrace(PTRACE_CONT, pid, NULL, (void *)(uintptr_t)signal);
}

static void at_stop(pid_t pid, int status) {
    int event = status >> 16;
    add_tracee(pid);
    if (event == PTRACE_EVENT_SECCOMP)
        at_call(pid);
    go_on(pid, event ? 0 : WSTOPSIG(status));
}

/* Until every process has ended. Returns the first one's status. */
static int follow(pid_t command) {
    int result = 125, status;
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR;) {
        if (pid <= 0)
            continue;
        if (WIFSTOPPED(status)) {
            at_stop(pid, status);
            continue;
        }
        drop_tracee(pid);
        if (pid == command)
            result = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    return result;
}

/* The command waits until it is followed. */
static pid_t start(char **argv) {
    int gate[2];
    if (pipe2(gate, O_CLOEXEC))
        err(125, "pipe");
    pid_t pid = fork();
    if (pid < 0)
        err(125, "fork");
    if (pid == 0) {
        char byte;
        if (read(gate[0], &byte, 1) != 1)
            _exit(125);
        install_filter();
        execvp(argv[0], argv);
        err(125, "%s", argv[0]);
    }
    unsigned long options = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
                            PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options))
        err(125, "can't follow the command");
    if (write(gate[1], "", 1) != 1)
        err(125, "pipe");
    close(gate[0]);
    close(gate[1]);
    return pid;
}

static void read_fault(const char *word) {
    static const struct {
        const char *word;
        enum fault fault;
        int error;
    } faults[] = {
        {"crash", CRASH, 0}, {"kill", KILL, 0}, {"ENOSPC", ERRNO, ENOSPC}, {"EIO", ERRNO, EIO}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (!strcmp(word, faults[i].word)) {
            run.fault = faults[i].fault;
            run.error = faults[i].error;
            return;
        }
    errx(125, "unknown fault '%s'", word);
}

static char **read_arguments(int argc, char **argv) {
    int dashes = 3;
    if (argc > 2 && strcmp(argv[2], "list") != 0) {
        run.wanted = strtoul(argv[2], NULL, 10);
        if (argc > 3)
            read_fault(argv[3]);
        dashes = 4;
    }
    if (argc < dashes + 2 || strcmp(argv[dashes], "--") != 0 || (dashes == 4 && run.wanted == 0))
        errx(125, "usage: inject FILE list|N FAULT -- COMMAND…");
    return argv + dashes + 1;
}

int main(int argc, char **argv) {
    char **command = read_arguments(argc, argv);
    struct stat st;
    run.file = fopen(argv[1], "we");
    if (!run.file || stat("/proc/self/ns/mnt", &st))
        err(125, "%s", argv[1]);
    run.namespace = st.st_ino;
    int status = follow(start(command));
    if (fclose(run.file))
        err(125, "%s", argv[1]);
    return status;
}
