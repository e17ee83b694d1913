#include "toolchain/confine.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/file.h"
#include "toolchain/build_user.h"
#include "toolchain/confine_filter.h"
#include "toolchain/confine_mounts.h"

#define CHILDREN_MAX (1 << 20) /* bytes */

/* What the child needs between fork and exec. */
struct confinement {
    const struct confine_spec *confine;
    const char *directory;
    bool namespaces;
    pid_t parent;
    /* In memory shared with the child: what it was doing when it failed. String constants stand at
     * the same address in both. */
    const char **step;
};

/* Waits for the child `pid`, reaping all others, and ends with its status; 128 + n for a signal. */
static _Noreturn void end_with(pid_t pid) {
    /* Also the pipe that tells the parent of the program's start. */
    close_range(3, ~0U, 0);
    for (;;) {
        int status = 0;
        pid_t ended = wait(&status);
        if (ended == pid)
            _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
        if (ended < 0 && errno != EINTR)
            _exit(255);
    }
}

/* Goes on in a child. The caller's process stays and waits for it. */
static int descend(void) {
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid > 0)
        end_with(pid);
    return prctl(PR_SET_PDEATHSIG, SIGKILL) ? -errno : 0;
}

/*
 * Twice into a child: the first one is process 1 of the namespace. It reaps orphans, and when it
 * ends the kernel kills whatever is left. The program itself is process 2, since process 1 would be
 * deaf to its own signals.
 */
static int enter_namespaces(const struct confinement *confinement) {
    int rc = confine_mounts_enter(confinement->confine, confinement->step);
    if (rc)
        return rc;
    *confinement->step = "starting a process";
    rc = descend();
    if (!rc)
        rc = descend();
    return rc ? rc : confine_mounts_proc(confinement->step);
}

static int enter(void *context) {
    const struct confinement *confinement = context;
    *confinement->step = "starting a process";
    if (prctl(PR_SET_PDEATHSIG, SIGKILL))
        return -errno;
    if (getppid() != confinement->parent)
        return -ESRCH;
    int rc = confinement->namespaces ? enter_namespaces(confinement) : 0;
    if (rc)
        return rc;
    *confinement->step = "becoming the build's user";
    rc = build_user_become();
    if (rc)
        return rc;
    *confinement->step = "installing the system call filter";
    rc = confine_filter_install();
    if (rc)
        return rc;
    *confinement->step = "entering the working directory";
    if (confinement->directory && chdir(confinement->directory))
        return -errno;
    *confinement->step = NULL;
    return 0;
}

static int kill_children(struct error *err) {
    AUTO_FREE char *path = NULL;
    AUTO_BUFFER struct buffer list = {0};
    if (asprintf(&path, "/proc/self/task/%d/children", getpid()) < 0)
        return error_oom(err, "ending what the build left running");
    int rc = file_read_path(path, CHILDREN_MAX, &list, err);
    char *rest = (char *)list.data;
    for (char *word; !rc && (word = strsep(&rest, " "));)
        if (atoi(word) > 0 && kill(atoi(word), SIGKILL))
            rc = error_io(err, errno, "can't end what the build left running");
    return rc;
}

/*
 * Ends what is left. This process is the subreaper: whatever lost its parent below it has become
 * its own child, so nothing is left when it has no child any more. A child's number can't be
 * another process' before it is waited for.
 */
static int sweep(struct error *err) {
    int flags = WNOHANG;
    for (;;) {
        pid_t ended = waitpid(-1, NULL, flags);
        if (ended < 0 && errno != EINTR)
            return 0;
        flags = WNOHANG;
        if (ended != 0)
            continue;
        int rc = kill_children(err);
        if (rc)
            return rc;
        flags = 0; /* what was killed ends soon */
    }
}

static int explain(struct error *err, int rc, const char *step) {
    if (!step)
        return rc;
    return error_set(err, ERROR_INTERNAL, -rc, "can't confine the build (%s): %s", step,
                     strerror(-rc));
}

static int run(const struct confinement *confinement, const struct process_spec *spec,
               struct process_result *result, struct error *err) {
    struct process_spec inner = *spec;
    inner.directory = NULL;
    inner.prepare = enter;
    inner.prepare_context = (void *)confinement;
    if (prctl(PR_SET_CHILD_SUBREAPER, 1))
        return error_io(err, errno, "can't become the subreaper of the build");
    int rc = process_run(&inner, result, err);
    if (rc)
        rc = explain(err, rc, *confinement->step);
    int swept = sweep(rc ? NULL : err);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    if (!rc && !swept && result->signal)
        *result = (struct process_result){.exit_status = 128 + result->signal};
    return rc ? rc : swept;
}

static int run_with(bool namespaces, const struct confine_spec *confine,
                    const struct process_spec *spec, struct process_result *result,
                    struct error *err) {
    const char **step =
        mmap(NULL, sizeof *step, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (step == MAP_FAILED)
        return error_oom(err, "starting a confined program");
    struct confinement confinement = {
        .confine = confine,
        .directory = spec->directory,
        .namespaces = namespaces,
        .parent = getpid(),
        .step = step,
    };
    int rc = run(&confinement, spec, result, err);
    munmap(step, sizeof *step);
    return rc;
}

/* The trial is the real thing: a program started in the namespaces. */
static bool try_namespaces(struct error *err) {
    static const char *const argv[] = {"/usr/bin/true", NULL};
    struct root host = ROOT_INIT;
    if (root_open(&host, "/", err))
        return false;
    struct confine_spec confine = {.root = &host};
    struct process_spec spec = {.argv = argv};
    struct process_result result;
    int rc = run_with(true, &confine, &spec, &result, err);
    root_close(&host);
    return !rc && result.exit_status == 0;
}

static struct {
    bool tried;
    bool available;
    struct error why_not;
} namespaces;

bool confine_has_namespaces(void) {
    if (!namespaces.tried) {
        namespaces.available = try_namespaces(&namespaces.why_not);
        namespaces.tried = true;
    }
    return namespaces.available;
}

int confine_run(const struct confine_spec *confine, const struct process_spec *spec,
                struct process_result *result, struct error *err) {
    bool available = confine_has_namespaces();
    if (!available && !confine->root->is_host)
        return error_set(err, ERROR_REFUSED, EPERM,
                         "compiling for %s needs mount namespaces, which this machine does not "
                         "give (%s); run with CAP_SYS_ADMIN (docker run --privileged), or inside "
                         "that root with --root /",
                         confine->root->path, namespaces.why_not.text);
    return run_with(available, confine, spec, result, err);
}
