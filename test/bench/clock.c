/*
 * clock FILE [--root DIR] COMMAND…
 *
 * Runs the command, in DIR as its root when one is given, with an environment of PATH, HOME and
 * LC_ALL alone, and writes what it cost to FILE as one line:
 *
 *     WALL_NS CPU_US PEAK_KB
 *
 * from before fork(2) to after wait4(2), by CLOCK_MONOTONIC; user and system time of the command
 * and all that it waited for; the largest resident set of one of them. The status is the command's,
 * 128+n when a signal ended it, 125 when it could not be run.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C",
                                    NULL};

static void execute(const char *root, char **command) {
    if (root && (chroot(root) || chdir("/")))
        err(125, "%s", root);
    execvpe(command[0], command, environment);
    err(125, "%s", command[0]);
}

static long long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static long long microseconds(const struct timeval *time) {
    return time->tv_sec * 1000000LL + time->tv_usec;
}

/* Runs it; the wait status, and in *wall and *usage what it cost. */
static int run(const char *root, char **command, long long *wall, struct rusage *usage) {
    int status;
    long long begun = nanoseconds();
    pid_t child = fork();
    if (child == 0)
        execute(root, command);
    if (child < 0 || wait4(child, &status, 0, usage) < 0)
        err(125, "can't run %s", command[0]);
    *wall = nanoseconds() - begun;
    return status;
}

int main(int argc, char **argv) {
    const char *root = NULL;
    int first = 2;
    if (argc > 4 && !strcmp(argv[2], "--root")) {
        root = argv[3];
        first = 4;
    }
    if (first >= argc)
        errx(125, "usage: clock FILE [--root DIR] COMMAND...");
    FILE *file = fopen(argv[1], "we");
    if (!file)
        err(125, "%s", argv[1]);
    struct rusage usage;
    long long wall;
    int status = run(root, argv + first, &wall, &usage);
    fprintf(file, "%lld %lld %ld\n", wall,
            microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime), usage.ru_maxrss);
    if (fclose(file))
        err(125, "%s", argv[1]);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
