/*
 * Running other programs. They are named absolutely, get an argument vector (no shell is ever
 * spawned), a cleared environment with LC_ALL=C and a fixed PATH, umask 022, descriptors 0–2 only.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <sys/types.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/strlist.h"

#define PROCESS_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct process_spec {
    const char *const *argv;        /* argv[0] is an absolute path; NULL-terminated */
    const char *const *environment; /* extra NAME=value, NULL-terminated, or NULL */
    const char *directory;          /* working directory; NULL for "/" */
    struct buffer *output;          /* stdout and stderr together, or NULL to drop them */
    size_t output_max;              /* keeps the first this many bytes; 0 means 1 MiB */
    unsigned seconds;               /* it is killed when it takes longer; 0: it may take for ever */
    int output_fd;                  /* when > 0: stdout and stderr go there instead */
    /* Called in the child just before exec (confinement); returns 0 or −errno, which becomes the
     * error of process_run(). */
    int (*prepare)(void *context);
    void *prepare_context;
    /* Called by the parent about ten times a second while the child runs; may be NULL. */
    void (*tick)(void *context);
    void *tick_context;
};

struct process_result {
    int exit_status; /* 0–255, or −1 when a signal ended it */
    int signal;      /* 0 when it exited */
};

/*
 * Runs a program and waits for it. Returns 0 when it ran, whatever its exit status (see `result`);
 * −errno when it could not be started. A pending SIGINT or SIGTERM (base/interrupt.h) kills the
 * child and returns −EINTR; one that takes longer than spec->seconds is killed, −ETIMEDOUT.
 */
int process_run(const struct process_spec *spec, struct process_result *result,
                struct error *err) MUST_CHECK;

/* A child's standard descriptors; −1 is /dev/null. */
struct process_ends {
    int input, output, errors;
};

/*
 * Starts a program and lets it run (of the spec, argv, environment, directory and prepare count).
 * The caller ends it with process_reap(). −errno when it could not be started; *pid is then as it
 * was.
 */
int process_start(const struct process_spec *spec, const struct process_ends *ends, pid_t *pid,
                  struct error *err) MUST_CHECK;

/* Waits for its end. */
void process_reap(pid_t pid, struct process_result *result);

/*
 * Finds `name` in PROCESS_PATH. The caller frees `path`. −ENOENT: ERROR_DEPENDENCY with a
 * sentence naming the program.
 */
int process_find(const char *name, char **path, struct error *err) MUST_CHECK;

/*
 * One sentence's worth of what `result` means: "exit status 2", "signal 9". Static buffer of the
 * thread.
 */
const char *process_describe(const struct process_result *result);

#endif
