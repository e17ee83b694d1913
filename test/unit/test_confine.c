#include "toolchain/confine.h"

#include <CUnit/Basic.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "base/interrupt.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/without_namespaces.h"
#include "toolchain/build_user.h"
#include "toolchain/workplace.h"

static struct root host = ROOT_INIT, root = ROOT_INIT;
static struct workplace place = WORKPLACE_INIT;

static int set_up(void) {
    struct error err = {0};
    scratch_root_make(&root);
    if (root_open(&host, "/", &err) || workplace_open(NULL, "confined/1/build", &place, &err) ||
        mkdirat(place.parent, place.name, 0755) || build_user_give(place.path, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return 0;
}

static int tear_down(void) {
    workplace_close(&place);
    scratch_root_remove(&root);
    root_close(&host);
    return 0;
}

static struct confine_spec confine_host(void) {
    return (struct confine_spec){
        .root = &host, .build_dir = place.path, .build_mount = place.inside};
}

/* In the environment of what this test runs; other builds on the machine are none of its business.
 */
static char mark[] = "CONFINE_TEST=00000000";

static bool has_mark(const char *pid) {
    AUTO_FREE char *path = NULL;
    AUTO_BUFFER struct buffer environment = {0};
    return asprintf(&path, "/proc/%s/environ", pid) > 0 &&
           file_read_path(path, 1 << 16, &environment, NULL) == 0 && environment.size > 0 &&
           memmem(environment.data, environment.size, mark, sizeof mark);
}

/* How many processes there are that a confined program of this test started. */
static unsigned count_build_processes(void) {
    AUTO_STRLIST struct strlist names = {0};
    struct error err = {0};
    unsigned count = 0;
    if (root_list(&host, "/proc", &names, &err))
        return UINT32_MAX;
    for (size_t i = 0; i < names.count; i++)
        count += names.items[i][0] >= '0' && names.items[i][0] <= '9' && has_mark(names.items[i]);
    return count;
}

/* Runs a bash script in the build directory. −1: not run; else its exit status. */
static int run_in(const struct confine_spec *confine, const char *script, struct buffer *output,
                  struct error *err) {
    const char *const argv[] = {"/usr/bin/bash", "-c", script, NULL};
    const char *const environment[] = {mark, NULL};
    struct process_spec spec = {
        .argv = argv, .environment = environment, .directory = place.inside, .output = output};
    struct process_result result;
    if (confine_run(confine, &spec, &result, err))
        return -1;
    return result.exit_status;
}

static int run(const char *script, struct buffer *output) {
    struct confine_spec confine = confine_host();
    struct error err = {0};
    int status = run_in(&confine, script, output, &err);
    if (status < 0)
        fprintf(stderr, "%s\n", err.text);
    return status;
}

static bool prints(const char *script, const char *expected) {
    AUTO_BUFFER struct buffer output = {0};
    int status = run(script, &output);
    bool same = status == 0 && !strcmp(buffer_string(&output), expected);
    if (!same)
        fprintf(stderr, "%s: status %d, printed \"%s\"\n", script, status, buffer_string(&output));
    return same;
}

static void test_namespaces_can_be_had(void) {
    CU_ASSERT_TRUE(confine_has_namespaces());
    CU_ASSERT_STRING_EQUAL(workplace_dkms_tree(), "/var/lib/dkms");
}

static void test_the_program_is_nobody(void) {
    CU_ASSERT_TRUE(prints("id -u; id -g; id -G", "64741\n64741\n64741\n"));
    CU_ASSERT_TRUE(prints("grep -E '^(Cap(Prm|Eff|Amb)|NoNewPrivs|Seccomp):' /proc/self/status",
                          "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
                          "CapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"));
    CU_ASSERT_TRUE(prints("ulimit -c", "0\n"));
    CU_ASSERT_NOT_EQUAL(run("cat /etc/shadow", NULL), 0);
}

static void test_it_starts_where_it_was_told(void) {
    AUTO_FREE char *expected = NULL;
    CU_ASSERT_TRUE(asprintf(&expected, "%s\n", place.inside) > 0);
    CU_ASSERT_TRUE(prints("pwd", expected));
    CU_ASSERT_TRUE(prints("umask; hostname >/dev/null; echo $LC_ALL", "0022\nC\n"));
}

static void test_only_its_places_can_be_written(void) {
    CU_ASSERT_EQUAL(run("echo made >here && echo x >/tmp/x && echo x >/var/tmp/x", NULL), 0);
    struct stat st;
    CU_ASSERT_EQUAL(fstatat(place.parent, "build/here", &st, AT_SYMLINK_NOFOLLOW), 0);
    CU_ASSERT_EQUAL(st.st_uid, BUILD_USER_ID);
    static const char *const closed[] = {"/x",     "/usr/x",     "/usr/lib/x", "/etc/x",
                                         "/var/x", "/usr/src/x", "/dev/x",     "/lib/modules/x"};
    for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
        AUTO_FREE char *script = NULL;
        CU_ASSERT_TRUE(asprintf(&script, "echo x >%s", closed[i]) > 0);
        CU_ASSERT_NOT_EQUAL(run(script, NULL), 0);
        CU_ASSERT_NOT_EQUAL(access(closed[i], F_OK), 0);
    }
}

/* Even a process that was root inside could not: the mounts themselves are read-only. */
static void test_the_tree_is_read_only(void) {
    AUTO_BUFFER struct buffer output = {0};
    CU_ASSERT_EQUAL(run("cat /proc/self/mountinfo", &output), 0);
    size_t lines = 0;
    char *rest = (char *)output.data;
    for (char *line; (line = strsep(&rest, "\n")) && *line; lines++) {
        char at[256], options[256];
        CU_ASSERT_EQUAL(sscanf(line, "%*s %*s %*s %*s %255s %255s", at, options), 2);
        bool writable = !strcmp(at, "/tmp") || !strcmp(at, "/var/tmp") || !strcmp(at, place.inside);
        bool special = !strncmp(at, "/dev", 4) || !strcmp(at, "/proc");
        if (!special)
            CU_ASSERT_EQUAL(strncmp(options, writable ? "rw," : "ro,", 3), 0);
        CU_ASSERT_TRUE(special || (strstr(options, "nosuid") && strstr(options, "nodev")));
    }
    CU_ASSERT_TRUE(lines > 20);
}

static void test_devices_work(void) {
    CU_ASSERT_TRUE(prints("echo x >/dev/null; head -c 4 /dev/zero | wc -c; "
                          "head -c 4 /dev/urandom | wc -c; echo y | cat /dev/stdin",
                          "4\n4\ny\n"));
}

static void test_other_folders_are_not_seen(void) {
    scratch_root_write(&root, "/secret", "open to all");
    AUTO_FREE char *script = NULL;
    CU_ASSERT_TRUE(asprintf(&script, "cat %s", scratch_root_host(&root, "/secret")) > 0);
    CU_ASSERT_NOT_EQUAL(run(script, NULL), 0);
    CU_ASSERT_TRUE(prints("ls -A /tmp /var/tmp", "/tmp:\n\n/var/tmp:\n"));
}

/* A port of this machine that answers. */
static int listen_here(unsigned short *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) || listen(fd, 8) ||
        getsockname(fd, (struct sockaddr *)&address, &size)) {
        perror("listening on the loopback address");
        exit(1);
    }
    *port = ntohs(address.sin_port);
    return fd;
}

static void test_there_is_no_network(void) {
    unsigned short port = 0;
    AUTO_CLOSE int fd = listen_here(&port);
    AUTO_FREE char *script = NULL;
    CU_ASSERT_TRUE(fd >= 0);
    CU_ASSERT_TRUE(asprintf(&script, "exec 3<>/dev/tcp/127.0.0.1/%u", port) > 0);
    const char *const argv[] = {"/usr/bin/bash", "-c", script, NULL};
    struct process_spec spec = {.argv = argv};
    struct process_result result = {.exit_status = 1};
    CU_ASSERT_EQUAL(process_run(&spec, &result, NULL), 0);
    CU_ASSERT_EQUAL(result.exit_status, 0); /* unconfined, the same script connects */
    CU_ASSERT_EQUAL(run(script, NULL), 1);
}

static void check_target(const char *modules) {
    scratch_root_write(&root, "/etc/dkms/confined.conf", "override");
    scratch_root_write(&root, "/usr/lib/linux-kbuild-9.9/marker", "kbuild");
    scratch_root_write(&root, "/usr/src/linux-headers-9.9/marker", "headers");
    AUTO_FREE char *release = NULL;
    CU_ASSERT_TRUE(asprintf(&release, "%s/9.9/marker", modules) > 0);
    scratch_root_write(&root, release, "modules");
    AUTO_FREE char *link = NULL;
    CU_ASSERT_TRUE(asprintf(&link, "%s/9.9/build", modules) > 0);
    scratch_root_link(&root, link, "/usr/src/linux-headers-9.9");
    struct confine_spec confine = confine_host();
    confine.root = &root;
    AUTO_BUFFER struct buffer output = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(run_in(&confine,
                           "cat /lib/modules/9.9/marker /lib/modules/9.9/build/marker "
                           "/usr/lib/linux-kbuild-9.9/marker /etc/dkms/confined.conf",
                           &output, &err),
                    0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&output), "modulesheaderskbuildoverride");
    AUTO_BUFFER struct buffer names = {0};
    CU_ASSERT_EQUAL(
        run_in(&confine, "ls /usr/src /lib/modules; ls -d /usr/lib/linux-kbuild-*", &names, &err),
        0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&names), "/lib/modules:\n9.9\n\n/usr/src:\n"
                                                  "linux-headers-9.9\n/usr/lib/linux-kbuild-9.9\n");
}

static void test_a_targets_headers_stand_at_their_own_places(void) {
    scratch_root_link(&root, "/lib", "usr/lib");
    check_target("/usr/lib/modules");
    scratch_root_remove(&root);
    scratch_root_make(&root);
    check_target("/lib/modules"); /* a root that is not usr-merged */
    scratch_root_remove(&root);
    scratch_root_make(&root);
}

static void test_a_target_without_headers_shows_none(void) {
    struct confine_spec confine = confine_host();
    confine.root = &root;
    AUTO_BUFFER struct buffer output = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(run_in(&confine, "ls /usr/src /lib/modules", &output, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&output), "/lib/modules:\n\n/usr/src:\n");
}

static void test_the_source_is_shown_read_only(void) {
    scratch_root_write(&root, "/source/file", "text");
    struct confine_spec confine = confine_host();
    confine.source_dir = scratch_root_host(&root, "/source");
    confine.source_mount = "/usr/src/confined-1";
    AUTO_BUFFER struct buffer output = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/source"), 0777), 0);
    CU_ASSERT_EQUAL(
        run_in(&confine, "cd /usr/src/confined-1; cat file; ! touch x 2>/dev/null", &output, &err),
        0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&output), "text");
}

static void test_status_and_signal_come_back(void) {
    CU_ASSERT_EQUAL(run("exit 42", NULL), 42);
    CU_ASSERT_EQUAL(run("kill -TERM $$", NULL), 128 + SIGTERM);
    CU_ASSERT_EQUAL(run("kill -KILL $$", NULL), 128 + SIGKILL);
}

static void test_what_can_not_start_is_said(void) {
    const char *const argv[] = {"/usr/bin/there-is-no-such-program", NULL};
    struct confine_spec confine = confine_host();
    struct process_spec spec = {.argv = argv};
    struct process_result result;
    struct error err = {0};
    CU_ASSERT_EQUAL(confine_run(&confine, &spec, &result, &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "there-is-no-such-program"));
    spec.argv = (const char *const[]){"/usr/bin/true", NULL};
    spec.directory = "/there/is/no/such/directory";
    CU_ASSERT_EQUAL(confine_run(&confine, &spec, &result, &err), -ENOENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "working directory"));
}

static void test_nothing_is_left_running(void) {
    CU_ASSERT_EQUAL(run("for i in 1 2 3; do setsid bash -c 'trap \"\" TERM HUP; while :; do "
                        "echo x >>beat; sleep 0.01; done' & done; disown -a; sleep 0.1; exit 7",
                        NULL),
                    7);
    CU_ASSERT_EQUAL(count_build_processes(), 0);
    struct stat before, after;
    struct timespec pause = {.tv_nsec = 100000000};
    CU_ASSERT_EQUAL(fstatat(place.parent, "build/beat", &before, 0), 0);
    nanosleep(&pause, NULL);
    CU_ASSERT_EQUAL(fstatat(place.parent, "build/beat", &after, 0), 0);
    CU_ASSERT_TRUE(before.st_size > 0);
    CU_ASSERT_EQUAL(before.st_size, after.st_size);
}

static void read_mounts(struct buffer *mounts) {
    struct error err = {0};
    if (file_read_path("/proc/self/mountinfo", 1 << 20, mounts, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
}

/* In a process of our own: runs a program that never ends. 0: it was interrupted, and all is gone.
 */
static _Noreturn void run_endless(int ready) {
    struct confine_spec confine = confine_host();
    const char *const argv[] = {"/usr/bin/bash", "-c",
                                "echo x; trap '' TERM; setsid sleep 60 & sleep 60", NULL};
    const char *const environment[] = {mark, NULL};
    struct process_spec spec = {
        .argv = argv, .environment = environment, .directory = place.inside, .output_fd = ready};
    struct process_result result;
    interrupt_install();
    int rc = confine_run(&confine, &spec, &result, NULL);
    _exit(rc == -EINTR && count_build_processes() == 0 ? 0 : 1);
}

/* Sends the signal while the program runs; the process' status. */
static int signal_while_it_runs(int number) {
    int ready[2], status = -1;
    CU_ASSERT_EQUAL(pipe(ready), 0);
    pid_t pid = fork();
    CU_ASSERT_TRUE(pid >= 0);
    if (pid == 0)
        run_endless(ready[1]);
    char byte;
    CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
    CU_ASSERT_TRUE(count_build_processes() > 0);
    kill(pid, number);
    waitpid(pid, &status, 0);
    close(ready[0]);
    close(ready[1]);
    return status;
}

static void test_an_interrupted_run_leaves_nothing(void) {
    int status = signal_while_it_runs(SIGTERM);
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void test_a_killed_run_leaves_nothing(void) {
    AUTO_BUFFER struct buffer before = {0};
    AUTO_BUFFER struct buffer after = {0};
    read_mounts(&before);
    CU_ASSERT_EQUAL(run("sleep 60 & kill -KILL $$", NULL), 128 + SIGKILL);
    CU_ASSERT_TRUE(WIFSIGNALED(signal_while_it_runs(SIGKILL)));
    struct timespec pause = {.tv_nsec = 10000000};
    for (int tries = 0; tries < 300 && count_build_processes() > 0; tries++)
        nanosleep(&pause, NULL);
    CU_ASSERT_EQUAL(count_build_processes(), 0);
    read_mounts(&after);
    CU_ASSERT_STRING_EQUAL(buffer_string(&before), buffer_string(&after));
}

static void test_the_same_holds_without_namespaces(void) {
    CU_ASSERT_TRUE(without_namespaces_run(NULL));
}

static void test_namespaces_are_not_pretended(void) {
    CU_ASSERT_FALSE(confine_has_namespaces());
    CU_ASSERT_STRING_EQUAL(workplace_dkms_tree(), "/var/cache/prebake");
    CU_ASSERT_STRING_EQUAL(place.path, place.inside);
}

static void test_another_root_is_refused(void) {
    struct confine_spec confine = confine_host();
    confine.root = &root;
    struct error err = {0};
    CU_ASSERT_EQUAL(run_in(&confine, "true", NULL, &err), -1);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, root.path));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "CAP_SYS_ADMIN"));
}

static void test_the_machine_can_not_be_written(void) {
    CU_ASSERT_EQUAL(run("echo made >here", NULL), 0);
    static const char *const closed[] = {"/usr/x", "/etc/x", "/var/lib/x", "../x"};
    for (size_t i = 0; i < ARRAY_SIZE(closed); i++) {
        AUTO_FREE char *script = NULL;
        CU_ASSERT_TRUE(asprintf(&script, "echo x >%s", closed[i]) > 0);
        CU_ASSERT_NOT_EQUAL(run(script, NULL), 0);
    }
}

static void test_the_workplace_goes_away(void) {
    bool had_it = access("/var/cache/prebake", F_OK) == 0;
    struct workplace other;
    struct error err = {0};
    CU_ASSERT_EQUAL(workplace_open(NULL, "other/2/build", &other, &err), 0);
    CU_ASSERT_EQUAL(mkdirat(other.parent, other.name, 0755), 0);
    AUTO_FREE char *path = strdup(other.path);
    CU_ASSERT_EQUAL(access(path, F_OK), 0);
    workplace_close(&other);
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access("/var/cache/prebake/other", F_OK), 0);
    CU_ASSERT_EQUAL(access("/var/cache/prebake", F_OK) == 0, had_it);
}

static CU_TestInfo tests[] = {
    {"namespaces can be had", test_namespaces_can_be_had},
    {"the program is nobody", test_the_program_is_nobody},
    {"it starts where it was told", test_it_starts_where_it_was_told},
    {"only its places can be written", test_only_its_places_can_be_written},
    {"the tree is read-only", test_the_tree_is_read_only},
    {"devices work", test_devices_work},
    {"other folders are not seen", test_other_folders_are_not_seen},
    {"there is no network", test_there_is_no_network},
    {"a target's headers stand at their own places",
     test_a_targets_headers_stand_at_their_own_places},
    {"a target without headers shows none", test_a_target_without_headers_shows_none},
    {"the source is shown read-only", test_the_source_is_shown_read_only},
    {"status and signal come back", test_status_and_signal_come_back},
    {"what can't start is said", test_what_can_not_start_is_said},
    {"nothing is left running", test_nothing_is_left_running},
    {"an interrupted run leaves nothing", test_an_interrupted_run_leaves_nothing},
    {"a killed run leaves nothing", test_a_killed_run_leaves_nothing},
    {"the same holds without namespaces", test_the_same_holds_without_namespaces},
    CU_TEST_INFO_NULL,
};

static CU_TestInfo tests_without[] = {
    {"namespaces are not pretended", test_namespaces_are_not_pretended},
    {"another root is refused", test_another_root_is_refused},
    {"the program is nobody", test_the_program_is_nobody},
    {"it starts where it was told", test_it_starts_where_it_was_told},
    {"the machine can't be written", test_the_machine_can_not_be_written},
    {"there is no network", test_there_is_no_network},
    {"status and signal come back", test_status_and_signal_come_back},
    {"what can't start is said", test_what_can_not_start_is_said},
    {"nothing is left running", test_nothing_is_left_running},
    {"an interrupted run leaves nothing", test_an_interrupted_run_leaves_nothing},
    {"the workplace goes away", test_the_workplace_goes_away},
    CU_TEST_INFO_NULL,
};

/*
 * Mounts of our own to watch, so that what others mount meanwhile is not seen; shared again, as a
 * system's are, so that what a run leaks would be.
 */
static int watch_own_mounts(void) {
    return unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
           mount(NULL, "/", NULL, MS_REC | MS_SHARED, NULL);
}

int main(int argc, char **argv) {
    bool without = argc > 1 && !strcmp(argv[1], WITHOUT_NAMESPACES);
    if (without)
        without_namespaces_enter();
    else if (watch_own_mounts())
        return 1;
    snprintf(mark, sizeof mark, "CONFINE_TEST=%08d", getpid());
    CU_SuiteInfo suites[] = {
        {.pName = without ? "confine without namespaces" : "confine",
         .pInitFunc = set_up,
         .pCleanupFunc = tear_down,
         .pTests = without ? tests_without : tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
