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
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test/lib/tracing/call.h"

#define TRACEES_MAX 64

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
    fprintf(run.file, "%lu\t%s\t", run.seen, call_name(call));
    print_process(pid);
    fputc('\t', run.file);
    call_print_names(run.file, pid, call, regs);
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
    const struct call *call = call_find(&regs);
    if (!call || is_confined(pid) || !call_counts(pid, call, &regs))
        return;
    run.seen++;
    if (run.wanted == 0 || run.wanted == run.seen)
        report(pid, call, &regs);
    if (run.wanted == run.seen)
        inject(pid, &regs);
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
        call_install_filter();
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
