#include "test/unit/empty_world.h"

#include <string.h>
#include <sys/wait.h>

#include "test/unit/scratch_root.h"

struct report {
    int rc;
    struct error err;
};

static _Noreturn void give_up(const char *what) {
    fprintf(stderr, "the test can't prepare an empty world: %s: %s\n", what, strerror(errno));
    exit(99);
}

static _Noreturn void child(const char *path, int (*look)(struct error *err), int report_fd) {
    struct report report = {0};
    if (chroot(path) || chdir("/"))
        _exit(1);
    report.rc = look(&report.err);
    _exit(write(report_fd, &report, sizeof report) == sizeof report ? 0 : 1);
}

int in_empty_world(int (*look)(struct error *err), const char *os_release, struct error *err) {
    struct root root = ROOT_INIT;
    struct report report = {0};
    int ends[2];
    scratch_root_make(&root);
    scratch_root_dir(&root, "/tmp");
    scratch_root_write(&root, "/etc/os-release", os_release);
    if (pipe(ends))
        give_up("pipe");
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0)
        child(root.path, look, ends[1]);
    close(ends[1]);
    if (read(ends[0], &report, sizeof report) != sizeof report)
        give_up("the child");
    close(ends[0]);
    waitpid(pid, NULL, 0);
    scratch_root_remove(&root);
    *err = report.err;
    return report.rc;
}
