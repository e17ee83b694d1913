#include "base/workers.h"

#include <CUnit/Basic.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/interrupt.h"
#include "test/unit/run_suites.h"

#define PIECES 100

static atomic_uint done[PIECES];
static atomic_uint running, most_running;

static void begin(void) {
    for (size_t i = 0; i < PIECES; i++)
        done[i] = 0;
    running = most_running = 0;
}

static void rest(long milliseconds) {
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

static int count(void *context, size_t index, struct error *err) {
    (void)context;
    (void)err;
    unsigned now = ++running;
    unsigned most = most_running;
    while (now > most && !atomic_compare_exchange_weak(&most_running, &most, now))
        continue;
    rest(1);
    done[index]++;
    running--;
    return 0;
}

static bool each_done_once(void) {
    bool once = true;
    for (size_t i = 0; i < PIECES; i++)
        once = once && done[i] == 1;
    return once;
}

static void test_each_piece_once(void) {
    static const unsigned threads[] = {0, 1, 2, 7, 1000};
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        struct error err = {0};
        begin();
        CU_ASSERT_EQUAL(workers_run(PIECES, threads[i], count, NULL, &err), 0);
        CU_ASSERT_TRUE(each_done_once());
        CU_ASSERT_TRUE(most_running <= (threads[i] ? threads[i] : 1));
    }
    CU_ASSERT_EQUAL(workers_run(0, 4, count, NULL, NULL), 0);
}

/* A piece that ends only when another one runs beside it. */
static int meet(void *context, size_t index, struct error *err) {
    (void)index;
    (void)err;
    pthread_barrier_wait(context);
    return 0;
}

static void test_several_at_once(void) {
    pthread_barrier_t barrier;
    CU_ASSERT_EQUAL_FATAL(pthread_barrier_init(&barrier, NULL, 3), 0);
    CU_ASSERT_EQUAL(workers_run(3, 3, meet, &barrier, NULL), 0);
    pthread_barrier_destroy(&barrier);
}

/* Pieces 1 and 3 fail, 3 long before 1. */
static int fail(void *context, size_t index, struct error *err) {
    (void)context;
    done[index]++;
    if (index == 1)
        rest(20);
    if (index == 1 || index == 3)
        return error_set(err, ERROR_DAMAGED, index == 1 ? EBADMSG : EPERM, "piece %zu", index);
    rest(1);
    return 0;
}

static void test_the_first_failure_counts(void) {
    for (unsigned threads = 1; threads <= 8; threads += 7) {
        struct error err = {0};
        begin();
        CU_ASSERT_EQUAL(workers_run(PIECES, threads, fail, NULL, &err), -EBADMSG);
        CU_ASSERT_STRING_EQUAL(err.text, "piece 1");
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_EQUAL(done[PIECES - 1], 0);
    }
    CU_ASSERT_EQUAL(workers_run(PIECES, 1, fail, NULL, NULL), -EBADMSG);
}

static int raise_at_two(void *context, size_t index, struct error *err) {
    (void)context;
    (void)err;
    if (index == 2)
        raise(SIGTERM);
    done[index]++;
    return 0;
}

/* The flag stays set for the life of a process: this one is a child. */
static void test_a_signal_ends_it(void) {
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct error err = {0};
        interrupt_install();
        begin();
        int rc = workers_run(PIECES, 1, raise_at_two, NULL, &err);
        _exit(rc == -EINTR && done[2] == 1 && done[3] == 0 && strstr(err.text, "signal 15") ? 0
                                                                                            : 1);
    }
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"each piece is done once", test_each_piece_once},
        {"several run at once", test_several_at_once},
        {"the first failure counts", test_the_first_failure_counts},
        {"a signal ends it", test_a_signal_ends_it},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "workers", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
