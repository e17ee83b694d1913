#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/interrupt.h"
#include "base/stopwatch.h"

#define TICK_MS 100
#define REPORT_FD 3

/*
 * 0–2 for the program, 3 for the report (closed by exec), nothing else. Whatever comes from the
 * caller is moved out of the way first: it may stand at 0–3 when the caller had those closed.
 */
static int arrange_descriptors(const struct process_ends *ends, int *report) {
    int moved = fcntl(*report, F_DUPFD_CLOEXEC, REPORT_FD + 1);
    if (moved < 0)
        return -errno;
    *report = moved;
    int null = open("/dev/null", O_RDWR);
    if (null < 0)
        return -errno;
    int input = fcntl(ends->input >= 0 ? ends->input : null, F_DUPFD, REPORT_FD + 1);
    int output = fcntl(ends->output >= 0 ? ends->output : null, F_DUPFD, REPORT_FD + 1);
    int errors = fcntl(ends->errors >= 0 ? ends->errors : null, F_DUPFD, REPORT_FD + 1);
    if (input < 0 || output < 0 || errors < 0 || dup2(input, 0) < 0 || dup2(output, 1) < 0 ||
        dup2(errors, 2) < 0 || dup3(*report, REPORT_FD, O_CLOEXEC) < 0)
        return -errno;
    *report = REPORT_FD;
    return close_range(REPORT_FD + 1, ~0U, 0) ? -errno : 0;
}

/*
 * By the system call itself: glibc keeps signals 32 and 33 to itself, and what make starts has them
 * ignored. All zero is SIG_DFL with no flags, whatever the kernel's struct sigaction looks like.
 */
static void reset_signals(void) {
    static const unsigned char by_default[64];
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, by_default, NULL, NSIG / 8);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What the child does between fork and exec; only a −errno comes back through the report pipe. */
static _Noreturn void child(const struct process_spec *spec, char *const *environment,
                            const struct process_ends *ends, int report) {
    int rc = arrange_descriptors(ends, &report);
    umask(022);
    reset_signals();
    if (!rc && chdir(spec->directory ? spec->directory : "/"))
        rc = -errno;
    if (!rc && spec->prepare)
        rc = spec->prepare(spec->prepare_context);
    if (!rc) {
        execve(spec->argv[0], (char *const *)spec->argv, environment);
        rc = -errno;
    }
    ssize_t ignored = write(report, &rc, sizeof rc);
    (void)ignored;
    _exit(127);
}

static int make_environment(const struct process_spec *spec, struct strlist *environment) {
    int rc = strlist_add(environment, "LC_ALL=C");
    if (!rc)
        rc = strlist_add(environment, "PATH=" PROCESS_PATH);
    for (size_t i = 0; !rc && spec->environment && spec->environment[i]; i++)
        rc = strlist_add(environment, spec->environment[i]);
    return rc;
}

/*
 * Reads what is there; the first `max` bytes are kept. The number of bytes read, 0 at the end of
 * the stream, −errno.
 */
static ssize_t drain(int fd, size_t max, struct buffer *output) {
    char chunk[8192];
    ssize_t got;
    do {
        got = read(fd, chunk, sizeof chunk);
    } while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : 0;
    size_t room = output->size < max ? max - output->size : 0;
    size_t keep = (size_t)got < room ? (size_t)got : room;
    return keep > 0 && buffer_append(output, chunk, keep) ? -ENOMEM : got;
}

/*
 * What stands in the pipe when the program has ended. Not until its end: a child that the program
 * left behind may hold it open, or write on for ever.
 */
static int drain_rest(int fd, size_t max, struct buffer *output) {
    int left = 0;
    if (fd < 0 || ioctl(fd, FIONREAD, &left))
        return 0;
    ssize_t got = 1;
    for (; left > 0 && got > 0; left -= (int)got)
        got = drain(fd, max, output);
    return got < 0 ? (int)got : 0;
}

/*
 * Follows the child until it has ended and its output is read. A pidfd tells of the end at once,
 * so that a short program costs no polling interval.
 */
static int follow(const struct process_spec *spec, pid_t pid, int output) {
    struct timespec start = stopwatch_start();
    size_t max = spec->output_max ? spec->output_max : 1 << 20;
    AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -errno;
    struct pollfd wait[] = {{.fd = pidfd, .events = POLLIN}, {.fd = output, .events = POLLIN}};
    while (!wait[0].revents) {
        if (poll(wait, ARRAY_SIZE(wait), TICK_MS) < 0 && errno != EINTR)
            return -errno;
        ssize_t got = wait[1].revents ? drain(output, max, spec->output) : 1;
        if (got < 0)
            return (int)got;
        if (got == 0)
            wait[1].fd = -1;
        if (spec->tick)
            spec->tick(spec->tick_context);
        if (interrupt_pending())
            return -EINTR;
        if (spec->seconds && stopwatch_milliseconds(&start) / 1000 >= spec->seconds)
            return -ETIMEDOUT;
    }
    return drain_rest(wait[1].fd, max, spec->output);
}

void process_reap(pid_t pid, struct process_result *result) {
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    *result = (struct process_result){.exit_status = -1};
    if (WIFEXITED(status))
        result->exit_status = WEXITSTATUS(status);
    else if (WIFSIGNALED(status))
        result->signal = WTERMSIG(status);
}

int process_start(const struct process_spec *spec, const struct process_ends *ends, pid_t *pid,
                  struct error *err) {
    AUTO_STRLIST struct strlist environment = {0};
    if (make_environment(spec, &environment))
        return error_oom(err, "starting a program");
    int report[2];
    if (pipe2(report, O_CLOEXEC))
        return error_io(err, errno, "can't make a pipe for %s", spec->argv[0]);
    AUTO_CLOSE int report_read = report[0];
    AUTO_CLOSE int report_write = report[1];
    pid_t started = fork();
    if (started < 0)
        return error_io(err, errno, "can't start %s", spec->argv[0]);
    if (started == 0)
        child(spec, environment.items, ends, report_write);
    close(STEAL_FD(report_write));
    int failure = 0;
    ssize_t got;
    do {
        got = read(report_read, &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    if (got == sizeof failure && failure) {
        struct process_result ignored;
        process_reap(started, &ignored);
        return error_io(err, -failure, "can't run %s", spec->argv[0]);
    }
    *pid = started;
    return 0;
}

static int unfinished(const struct process_spec *spec, int rc, struct error *err) {
    if (rc == -EINTR)
        return interrupt_check(err);
    if (rc == -ETIMEDOUT)
        return error_set(err, ERROR_INTERNAL, ETIMEDOUT, "%s did not end within %u seconds",
                         spec->argv[0], spec->seconds);
    return error_io(err, -rc, "can't follow %s", spec->argv[0]);
}

int process_run(const struct process_spec *spec, struct process_result *result, struct error *err) {
    int ends[2] = {-1, -1};
    if (spec->output && spec->output_fd <= 0 && pipe2(ends, O_CLOEXEC))
        return error_io(err, errno, "can't make a pipe for %s", spec->argv[0]);
    AUTO_CLOSE int output_read = ends[0];
    AUTO_CLOSE int output_write = ends[1];
    pid_t pid = -1;
    int output = spec->output_fd > 0 ? spec->output_fd : output_write;
    const struct process_ends child_ends = {.input = -1, .output = output, .errors = output};
    int rc = process_start(spec, &child_ends, &pid, err);
    if (rc)
        return rc;
    if (output_write >= 0)
        close(STEAL_FD(output_write));
    rc = follow(spec, pid, output_read);
    if (rc)
        kill(pid, SIGKILL);
    struct process_result ended;
    process_reap(pid, &ended);
    if (rc)
        return unfinished(spec, rc, err);
    *result = ended;
    return 0;
}

int process_find(const char *name, char **path, struct error *err) {
    AUTO_FREE char *folders = strdup(PROCESS_PATH);
    char *rest = folders;
    for (char *folder; folders && (folder = strsep(&rest, ":"));) {
        AUTO_FREE char *candidate = NULL;
        if (asprintf(&candidate, "%s/%s", folder, name) < 0)
            return error_oom(err, "looking for a program");
        struct stat st;
        if (!stat(candidate, &st) && S_ISREG(st.st_mode) && !access(candidate, X_OK)) {
            *path = STEAL(candidate);
            return 0;
        }
    }
    if (!folders)
        return error_oom(err, "looking for a program");
    return error_set(err, ERROR_DEPENDENCY, ENOENT,
                     "the program %s is not installed (looked in %s)", name, PROCESS_PATH);
}

const char *process_describe(const struct process_result *result) {
    static _Thread_local char text[64];
    if (result->signal)
        snprintf(text, sizeof text, "signal %d", result->signal);
    else
        snprintf(text, sizeof text, "exit status %d", result->exit_status);
    return text;
}
