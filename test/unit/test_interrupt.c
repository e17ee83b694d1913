#include "base/interrupt.h"

#include <CUnit/Basic.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>

#include "test/unit/run_suites.h"

/* The flag stays set for the life of a process: each test has a child of its own. */
static void check_in_child(int (*steps)(void)) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        _exit(steps());
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
}

static int be_quiet(void) {
    struct error err = {0};
    interrupt_install();
    if (interrupt_pending() != 0 || interrupt_check(&err) != 0)
        return 1;
    return err.kind == ERROR_NONE && err.text[0] == '\0' ? 0 : 2;
}

static void test_without_a_signal_nothing_is_pending(void) {
    check_in_child(be_quiet);
}

static int remember(int number, const char *words) {
    struct error err = {0};
    interrupt_install();
    raise(number);
    if (interrupt_pending() != number)
        return 1;
    if (interrupt_check(&err) != -EINTR || interrupt_check(NULL) != -EINTR)
        return 2;
    return strstr(err.text, words) && strstr(err.text, "again") ? 0 : 3;
}

static int remember_int(void) {
    return remember(SIGINT, "signal 2 (Interrupt)");
}

static int remember_term(void) {
    return remember(SIGTERM, "signal 15 (Terminated)");
}

static void test_both_signals_are_remembered(void) {
    check_in_child(remember_int);
    check_in_child(remember_term);
}

static int hold_it_back(void) {
    interrupt_install();
    if (interrupt_hold(NULL) != 0)
        return 3;
    raise(SIGTERM);
    if (interrupt_pending() != 0 || interrupt_check(NULL) != 0)
        return 1;
    interrupt_let();
    if (interrupt_pending() != SIGTERM || interrupt_check(NULL) != -EINTR)
        return 2;
    return interrupt_hold(NULL) == -EINTR && interrupt_pending() == SIGTERM ? 0 : 4;
}

static void test_a_step_is_not_cut_in_two(void) {
    check_in_child(hold_it_back);
}

/* A wait that SIGTERM cuts short ends at once. */
static int cut_a_wait_short(void) {
    int ends[2];
    char byte;
    interrupt_install();
    if (pipe(ends))
        return 1;
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        usleep(200000);
        _exit(kill(parent, SIGTERM));
    }
    if (read(ends[0], &byte, 1) != -1 || errno != EINTR)
        return 2;
    return interrupt_pending() == SIGTERM ? 0 : 3;
}

static void test_waits_are_cut_short(void) {
    check_in_child(cut_a_wait_short);
}

static int write_to_nobody(void) {
    int ends[2];
    interrupt_install();
    if (pipe(ends) || close(ends[0]))
        return 1;
    return write(ends[1], "x", 1) == -1 && errno == EPIPE && interrupt_pending() == 0 ? 0 : 2;
}

static void test_a_closed_pipe_is_an_error_and_no_death(void) {
    check_in_child(write_to_nobody);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"without a signal nothing is pending", test_without_a_signal_nothing_is_pending},
        {"both signals are remembered", test_both_signals_are_remembered},
        {"a step is not cut in two", test_a_step_is_not_cut_in_two},
        {"waits are cut short", test_waits_are_cut_short},
        {"a closed pipe is an error and no death", test_a_closed_pipe_is_an_error_and_no_death},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "interrupt", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
