#include "base/process.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/interrupt.h"
#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

static struct buffer output;
static struct process_result result;
static struct error err;

static void set_up(void) {
    output = (struct buffer){0};
    result = (struct process_result){.exit_status = -2, .signal = -2};
    err = (struct error){0};
}

static void tear_down(void) {
    buffer_release(&output);
}

static int run(const char *const *argv) {
    buffer_release(&output);
    struct process_spec spec = {.argv = argv, .output = &output};
    return process_run(&spec, &result, &err);
}

/* Runs a shell script, for want of a program that does as little. */
static int run_script(const char *script) {
    return run((const char *const[]){"/bin/sh", "-c", script, NULL});
}

static void check_printed(const char *expected) {
    CU_ASSERT_EQUAL(result.exit_status, 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&output), expected);
}

static void check_no_child_is_left(void) {
    CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
    CU_ASSERT_EQUAL(errno, ECHILD);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Its number may be another process' by then: nobody is to signal it. */
static void test_no_process_without_a_start(void) {
    static const char *const argv[] = {"/nowhere/program", NULL};
    const struct process_spec spec = {.argv = argv};
    const struct process_ends ends = {.input = -1, .output = -1, .errors = -1};
    pid_t pid = 0;
    CU_ASSERT_EQUAL(process_start(&spec, &ends, &pid, &err), -ENOENT);
    CU_ASSERT_EQUAL(pid, 0);
    check_no_child_is_left();
}

static void test_the_environment_is_exactly_ours(void) {
    static const char *const argv[] = {"/usr/bin/env", NULL};
    static const char *const extra[] = {"KERNELRELEASE=6.1", "EMPTY=", NULL};
    setenv("LD_PRELOAD", "", 1);
    setenv("MAKEFLAGS", "-i", 1);
    CU_ASSERT_EQUAL(run(argv), 0);
    check_printed("LC_ALL=C\nPATH=" PROCESS_PATH "\n");
    struct process_spec spec = {.argv = argv, .environment = extra, .output = &output};
    output.size = 0;
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), 0);
    check_printed("LC_ALL=C\nPATH=" PROCESS_PATH "\nKERNELRELEASE=6.1\nEMPTY=\n");
}

static void test_arguments_arrive_as_they_are(void) {
    CU_ASSERT_EQUAL(run((const char *const[]){"/usr/bin/printf", "<%s>", "a b", "$HOME", "`id`", "",
                                              "*", "'\"\\", NULL}),
                    0);
    check_printed("<a b><$HOME><`id`><><*><'\"\\>");
}

/* 3 is the directory that ls reads. */
static void test_only_three_descriptors_are_open(void) {
    int open_here[20];
    for (size_t i = 0; i < ARRAY_SIZE(open_here); i++)
        open_here[i] = dup(STDERR_FILENO);
    CU_ASSERT_EQUAL(run((const char *const[]){"/bin/ls", "/proc/self/fd", NULL}), 0);
    for (size_t i = 0; i < ARRAY_SIZE(open_here); i++)
        close(open_here[i]);
    check_printed("0\n1\n2\n3\n");
    CU_ASSERT_EQUAL(run((const char *const[]){"/bin/readlink", "/proc/self/fd/0", NULL}), 0);
    check_printed("/dev/null\n");
}

static int run_without_standard_descriptors(void) {
    for (int fd = 0; fd < 10; fd++)
        close(fd);
    if (run((const char *const[]){"/bin/ls", "/proc/self/fd", NULL}) || result.exit_status != 0)
        return 1;
    if (strcmp(buffer_string(&output), "0\n1\n2\n3\n"))
        return 2;
    if (run((const char *const[]){"/none", NULL}) != -ENOENT)
        return 3;
    return run_script("read x; echo out; echo error >&2") ||
           strcmp(buffer_string(&output), "out\nerror\n");
}

/* Runs `steps` in a child of its own; 0 when all went well, else the number of the step. */
static void check_in_child(int (*steps)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(steps());
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
}

static void test_closed_descriptors_of_the_caller_do_not_matter(void) {
    check_in_child(run_without_standard_descriptors);
}

static void test_umask_folder_and_signals(void) {
    static const char script[] = "umask; pwd; grep -E 'Sig(Blk|Ign)' /proc/self/status";
    static const char expected[] = "0022\n%s\nSigBlk:\t0000000000000000\n"
                                   "SigIgn:\t0000000000000000\n";
    static const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    AUTO_BUFFER struct buffer text = {0}, here = {0};
    mode_t old = umask(077);
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    void (*handler)(int) = signal(SIGPIPE, SIG_IGN);
    CU_ASSERT_EQUAL(run(argv), 0);
    CU_ASSERT_EQUAL(buffer_printf(&text, expected, "/"), 0);
    check_printed(buffer_string(&text));
    struct process_spec spec = {.argv = argv, .directory = workdir_path("folder"), .output = &here};
    CU_ASSERT_EQUAL(mkdir(spec.directory, 0700), 0);
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&here), spec.directory));
    signal(SIGPIPE, handler);
    sigprocmask(SIG_SETMASK, &before, NULL);
    umask(old);
}

static void test_both_streams_in_order(void) {
    CU_ASSERT_EQUAL(run_script("echo one; echo two >&2; echo three"), 0);
    check_printed("one\ntwo\nthree\n");
}

static void test_output_has_a_bound(void) {
    static const char *const argv[] = {"/usr/bin/head", "-c", "3000000", "/dev/zero", NULL};
    struct process_spec spec = {.argv = argv, .output = &output, .output_max = 10001};
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), 0);
    CU_ASSERT_EQUAL(result.exit_status, 0);
    CU_ASSERT_EQUAL(output.size, 10001);
    CU_ASSERT_EQUAL(run(argv), 0);
    CU_ASSERT_EQUAL(result.exit_status, 0);
    CU_ASSERT_EQUAL(output.size, 1 << 20);
    spec.output = NULL;
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), 0);
    CU_ASSERT_EQUAL(result.exit_status, 0);
}

static void test_output_to_a_descriptor(void) {
    static const char *const argv[] = {"/bin/sh", "-c", "echo out; echo error >&2", NULL};
    AUTO_CLOSE int fd = open(workdir_path("log"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct process_spec spec = {.argv = argv, .output = &output, .output_fd = fd};
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), 0);
    CU_ASSERT_EQUAL(output.size, 0);
    AUTO_BUFFER struct buffer log = {0};
    CU_ASSERT_TRUE(workdir_read("log", &log));
    CU_ASSERT_STRING_EQUAL(buffer_string(&log), "out\nerror\n");
}

static void test_how_it_ended(void) {
    CU_ASSERT_EQUAL(run_script("exit 255"), 0);
    CU_ASSERT_EQUAL(result.exit_status, 255);
    CU_ASSERT_EQUAL(result.signal, 0);
    CU_ASSERT_STRING_EQUAL(process_describe(&result), "exit status 255");
    CU_ASSERT_EQUAL(run_script("kill -9 $$"), 0);
    CU_ASSERT_EQUAL(result.exit_status, -1);
    CU_ASSERT_EQUAL(result.signal, 9);
    CU_ASSERT_STRING_EQUAL(process_describe(&result), "signal 9");
    check_no_child_is_left();
}

static void check_not_started(const char *program, int expected) {
    CU_ASSERT_EQUAL(run((const char *const[]){program, NULL}), expected);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, program));
    CU_ASSERT_EQUAL(result.exit_status, -2);
    check_no_child_is_left();
}

static void test_what_cannot_be_started(void) {
    CU_ASSERT_TRUE(workdir_write("data", "no program", 10));
    check_not_started("/usr/bin/none", -ENOENT);
    check_not_started(workdir_path("."), -EACCES);
    check_not_started(workdir_path("data"), -EACCES);
    CU_ASSERT_EQUAL(chmod(workdir_path("data"), 0700), 0);
    check_not_started(workdir_path("data"), -ENOEXEC);
    struct process_spec spec = {.argv = (const char *const[]){"/bin/true", NULL},
                                .directory = "/none/at/all"};
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), -ENOENT);
    check_no_child_is_left();
}

static int prepare(void *context) {
    int rc = *(int *)context;
    *(int *)context = 1;
    umask(027);
    return rc;
}

static void test_preparing_happens_in_the_child(void) {
    int context = 0;
    struct process_spec spec = {.argv = (const char *const[]){"/bin/sh", "-c", "umask", NULL},
                                .output = &output,
                                .prepare = prepare,
                                .prepare_context = &context};
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), 0);
    check_printed("0027\n");
    CU_ASSERT_EQUAL(context, 0);
    context = -EXFULL;
    output.size = 0;
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), -EXFULL);
    CU_ASSERT_EQUAL(output.size, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/bin/sh: Exchange full"));
    check_no_child_is_left();
}

/* The pipe stays open in a child that its program leaves behind. */
static void test_what_is_left_behind_is_not_waited_for(void) {
    double start = now();
    CU_ASSERT_EQUAL(run_script("sleep 30 & echo $!"), 0);
    CU_ASSERT_TRUE(now() - start < 15);
    CU_ASSERT_EQUAL(result.exit_status, 0);
    pid_t left = atoi(buffer_string(&output));
    CU_ASSERT_TRUE(left > 1 && kill(left, SIGKILL) == 0);
}

static void test_what_is_left_behind_may_write_on(void) {
    double start = now();
    CU_ASSERT_EQUAL(run_script("for i in 1 2 3 4; do cat /dev/zero & done"), 0);
    CU_ASSERT_TRUE(now() - start < 15);
    CU_ASSERT_EQUAL(result.exit_status, 0);
}

/* All of it, also what it wrote in its last moment: as much as a pipe holds. */
static void test_the_last_words_are_heard(void) {
    for (unsigned i = 0; i < 20; i++) {
        CU_ASSERT_EQUAL(
            run((const char *const[]){"/usr/bin/head", "-c", "65536", "/dev/zero", NULL}), 0);
        CU_ASSERT_EQUAL(output.size, 65536);
    }
}

static void count(void *context) {
    ++*(unsigned *)context;
}

static void test_it_ticks(void) {
    unsigned ticks = 0;
    struct process_spec spec = {.argv = (const char *const[]){"/bin/sleep", "0.55", NULL},
                                .tick = count,
                                .tick_context = &ticks};
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), 0);
    CU_ASSERT_TRUE(ticks >= 2 && ticks <= 8);
}

/* The end is noticed at once and not at the next tick. */
static void test_short_programs_are_short(void) {
    double shortest = 60;
    for (unsigned i = 0; i < 20; i++) {
        double start = now();
        CU_ASSERT_EQUAL(run((const char *const[]){"/bin/true", NULL}), 0);
        double took = now() - start;
        shortest = took < shortest ? took : shortest;
    }
    CU_ASSERT_TRUE(shortest < 0.08);
}

static void end_with_term(int number) {
    (void)number;
    kill(getpid(), SIGTERM);
}

static void test_it_may_take_so_long(void) {
    struct process_spec spec = {.argv = (const char *const[]){"/bin/sleep", "60", NULL},
                                .seconds = 1};
    double begun = now();
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), -ETIMEDOUT);
    CU_ASSERT_TRUE(now() - begun >= 1 && now() - begun < 20);
    CU_ASSERT_STRING_EQUAL(err.text, "/bin/sleep did not end within 1 seconds");
    check_no_child_is_left();
    spec.argv = (const char *const[]){"/bin/true", NULL};
    CU_ASSERT_EQUAL(process_run(&spec, &result, &err), 0);
}

static int be_interrupted(void) {
    interrupt_install();
    signal(SIGALRM, end_with_term);
    alarm(1);
    double start = now();
    if (run((const char *const[]){"/bin/sleep", "30", NULL}) != -EINTR || now() - start > 15)
        return 1;
    if (!strstr(err.text, "signal 15"))
        return 2;
    return waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 3;
}

static void test_a_signal_ends_it(void) {
    check_in_child(be_interrupted);
}

static int start_interrupted(void) {
    interrupt_install();
    raise(SIGINT);
    return run((const char *const[]){"/bin/sleep", "30", NULL}) == -EINTR ? 0 : 1;
}

static void test_a_signal_of_before_ends_it_too(void) {
    double start = now();
    check_in_child(start_interrupted);
    CU_ASSERT_TRUE(now() - start < 15);
}

static void test_finding_programs(void) {
    AUTO_FREE char *found = NULL, *none = NULL;
    CU_ASSERT_EQUAL(process_find("depmod", &found, &err), 0);
    CU_ASSERT_TRUE(found && found[0] == '/' && access(found, X_OK) == 0);
    CU_ASSERT_EQUAL(process_find("no-such-program", &none, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DEPENDENCY);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no-such-program"));
    CU_ASSERT_EQUAL(process_find("", &none, &err), -ENOENT);
    CU_ASSERT_PTR_NULL(none);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no process without a start", test_no_process_without_a_start},
        {"the environment is exactly ours", test_the_environment_is_exactly_ours},
        {"arguments arrive as they are", test_arguments_arrive_as_they_are},
        {"only three descriptors are open", test_only_three_descriptors_are_open},
        {"closed descriptors of the caller do not matter",
         test_closed_descriptors_of_the_caller_do_not_matter},
        {"umask folder and signals", test_umask_folder_and_signals},
        {"both streams in order", test_both_streams_in_order},
        {"output has a bound", test_output_has_a_bound},
        {"output to a descriptor", test_output_to_a_descriptor},
        {"how it ended", test_how_it_ended},
        {"what cannot be started", test_what_cannot_be_started},
        {"preparing happens in the child", test_preparing_happens_in_the_child},
        {"what is left behind is not waited for", test_what_is_left_behind_is_not_waited_for},
        {"what is left behind may write on", test_what_is_left_behind_may_write_on},
        {"the last words are heard", test_the_last_words_are_heard},
        {"it ticks", test_it_ticks},
        {"short programs are short", test_short_programs_are_short},
        {"it may take so long", test_it_may_take_so_long},
        {"a signal ends it", test_a_signal_ends_it},
        {"a signal of before ends it too", test_a_signal_of_before_ends_it_too},
        {"finding programs", test_finding_programs},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "process",
         .pInitFunc = workdir_open,
         .pCleanupFunc = workdir_close,
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
