#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/interrupt.h"

#define TICK_MS 100

/* What the child does between fork and exec; only a −errno comes back through the report pipe. */
static _Noreturn void child(const struct process_spec *spec, char *const *environment, int output,
                            int report) {
    int rc = 0;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2(null, 0) < 0 || dup2(output >= 0 ? output : null, 1) < 0 ||
        dup2(1, 2) < 0 || dup3(report, 3, O_CLOEXEC) < 0)
        rc = -errno;
    report = 3;
    if (!rc && close_range(4, ~0U, 0))
        rc = -errno;
    umask(022);
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
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

/* Reads what is there; the first `max` bytes are kept. Returns 0 at the end of the stream. */
static ssize_t drain(int fd, size_t max, struct buffer *output) {
    char chunk[8192];
    ssize_t got = read(fd, chunk, sizeof chunk);
    if (got <= 0)
        return got;
    size_t room = output->size < max ? max - output->size : 0;
    size_t keep = (size_t)got < room ? (size_t)got : room;
    if (keep > 0 && buffer_append(output, chunk, keep))
        return -1;
    return got;
}

/*
 * Follows the child until it has ended and its output is read. A pidfd tells of the end at once,
 * so that a short program costs no polling interval.
 */
static int follow(const struct process_spec *spec, pid_t pid, int output, int *status) {
    size_t max = spec->output_max ? spec->output_max : 1 << 20;
    AUTO_CLOSE int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (pidfd < 0)
        return -errno;
    struct pollfd wait[] = {{.fd = pidfd, .events = POLLIN}, {.fd = output, .events = POLLIN}};
    while (!wait[0].revents) {
        if (poll(wait, ARRAY_SIZE(wait), TICK_MS) < 0 && errno != EINTR)
            return -errno;
        if (wait[1].revents && drain(output, max, spec->output) <= 0)
            wait[1].fd = -1;
        if (spec->tick)
            spec->tick(spec->tick_context);
        if (interrupt_pending()) {
            kill(pid, SIGKILL);
            waitpid(pid, status, 0);
            return -EINTR;
        }
    }
    /* What it wrote last; a child of its own that holds the pipe open is not waited for. */
    while (wait[1].fd >= 0 && poll(&wait[1], 1, 0) > 0)
        if (drain(output, max, spec->output) <= 0)
            break;
    return waitpid(pid, status, 0) < 0 ? -errno : 0;
}

static void fill_result(int status, struct process_result *result) {
    *result = (struct process_result){.exit_status = -1};
    if (WIFEXITED(status))
        result->exit_status = WEXITSTATUS(status);
    else if (WIFSIGNALED(status))
        result->signal = WTERMSIG(status);
}

static int start(const struct process_spec *spec, int output, pid_t *pid, struct error *err) {
    AUTO_STRLIST struct strlist environment = {0};
    if (make_environment(spec, &environment))
        return error_oom(err, "starting a program");
    int report[2];
    if (pipe2(report, O_CLOEXEC))
        return error_io(err, errno, "can't make a pipe for %s", spec->argv[0]);
    AUTO_CLOSE int report_read = report[0];
    AUTO_CLOSE int report_write = report[1];
    *pid = fork();
    if (*pid < 0)
        return error_io(err, errno, "can't start %s", spec->argv[0]);
    if (*pid == 0)
        child(spec, environment.items, output, report_write);
    close(STEAL_FD(report_write));
    int failure = 0;
    ssize_t got;
    do {
        got = read(report_read, &failure, sizeof failure);
    } while (got < 0 && errno == EINTR);
    if (got == sizeof failure && failure) {
        waitpid(*pid, NULL, 0);
        return error_io(err, -failure, "can't run %s", spec->argv[0]);
    }
    return 0;
}

int process_run(const struct process_spec *spec, struct process_result *result, struct error *err) {
    int ends[2] = {-1, -1};
    if (spec->output && spec->output_fd <= 0 && pipe2(ends, O_CLOEXEC))
        return error_io(err, errno, "can't make a pipe for %s", spec->argv[0]);
    AUTO_CLOSE int output_read = ends[0];
    AUTO_CLOSE int output_write = ends[1];
    pid_t pid = -1;
    int rc = start(spec, spec->output_fd > 0 ? spec->output_fd : output_write, &pid, err);
    if (rc)
        return rc;
    if (output_write >= 0)
        close(STEAL_FD(output_write));
    int status = 0;
    rc = follow(spec, pid, output_read, &status);
    if (rc)
        return rc == -EINTR ? interrupt_check(err)
                            : error_io(err, -rc, "can't follow %s", spec->argv[0]);
    fill_result(status, result);
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
