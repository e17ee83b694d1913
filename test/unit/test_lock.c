#include <CUnit/Basic.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/interrupt.h"
#include "kmod/lifecycle/lock.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;

static void set_up(void) {
    scratch_root_make(&root);
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A process that holds the lock for `milliseconds` and then does `last`; returns when it has it. */
static pid_t hold(int milliseconds, void (*last)(void)) {
    int ready[2];
    if (pipe(ready))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        struct lock lock = LOCK_INIT;
        struct error err = {0};
        if (lock_take(&root, 0, &lock, &err) || write(ready[1], "x", 1) != 1)
            _exit(1);
        usleep((useconds_t)milliseconds * 1000);
        if (last)
            last();
        _exit(0);
    }
    char byte;
    close(ready[1]);
    CU_ASSERT_EQUAL(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void test_no_folder_is_nothing(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error err = {0};
    CU_ASSERT_EQUAL(lock_take(&root, 5, &lock, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
    CU_ASSERT_EQUAL(lock.fd, -1);
    CU_ASSERT_FALSE(root_exists(&root, "/var"));
}

static void test_a_bake_makes_the_folder(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    AUTO_STRLIST struct strlist created = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(lock_take_making(&root, 0, &created, &lock, &err), 0);
    CU_ASSERT_TRUE(strlist_contains(&created, STATE_FOLDER));
    CU_ASSERT_TRUE(lock.fd >= 0);
}

static void test_the_holder_is_named(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error err = {0};
    char holder[32];
    scratch_root_dir(&root, STATE_FOLDER);
    pid_t pid = hold(60000, NULL);
    double start = seconds_now();
    CU_ASSERT_EQUAL(lock_take(&root, 0, &lock, &err), -EWOULDBLOCK);
    CU_ASSERT_TRUE(seconds_now() - start < 0.5);
    CU_ASSERT_EQUAL(err.kind, ERROR_LOCKED);
    snprintf(holder, sizeof holder, "process %d ", pid);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, holder));
    end(pid);
}

static void test_the_wait_is_bounded(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error err = {0};
    scratch_root_dir(&root, STATE_FOLDER);
    pid_t pid = hold(60000, NULL);
    double start = seconds_now();
    CU_ASSERT_EQUAL(lock_take(&root, 1, &lock, &err), -EWOULDBLOCK);
    double waited = seconds_now() - start;
    CU_ASSERT_TRUE(waited >= 1 && waited < 3);
    end(pid);
}

static void test_a_killed_holder_frees_it(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error err = {0};
    scratch_root_dir(&root, STATE_FOLDER);
    end(hold(60000, NULL));
    CU_ASSERT_EQUAL(lock_take(&root, 0, &lock, &err), 0);
}

static void test_it_is_waited_for(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error err = {0};
    scratch_root_dir(&root, STATE_FOLDER);
    pid_t pid = hold(300, NULL);
    CU_ASSERT_EQUAL(lock_take(&root, 20, &lock, &err), 0);
    end(pid);
}

static void test_release_frees_it(void) {
    struct lock lock = LOCK_INIT;
    struct error err = {0};
    scratch_root_dir(&root, STATE_FOLDER);
    CU_ASSERT_EQUAL(lock_take(&root, 0, &lock, &err), 0);
    lock_release(&lock);
    CU_ASSERT_EQUAL(lock.fd, -1);
    pid_t pid = hold(0, NULL);
    int status = -1;
    CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
    CU_ASSERT_EQUAL(status, 0);
}

static void replace_folder(void) {
    if (rename(scratch_root_host(&root, STATE_FOLDER), scratch_root_host(&root, "/old")))
        _exit(1);
    scratch_root_dir(&root, STATE_FOLDER);
}

static void test_the_lock_of_dkms(void) {
    struct lock lock = LOCK_INIT, other = LOCK_INIT;
    struct error err = {0};
    CU_ASSERT_EQUAL(lock_take_dkms(&root, 0, &lock, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
    scratch_root_dir(&root, "/var/lib/dkms");
    CU_ASSERT_EQUAL(lock_take_dkms(&root, 0, &lock, &err), 0);
    CU_ASSERT_EQUAL(lock_take_dkms(&root, 0, &other, &err), -EWOULDBLOCK);
    CU_ASSERT_EQUAL(err.kind, ERROR_LOCKED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/var/lib/dkms is locked by"));
    lock_release(&lock);
    CU_ASSERT_EQUAL(lock_take_dkms(&root, 0, &other, &err), 0);
    lock_release(&other);
}

static void test_a_replaced_folder_is_locked_anew(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error err = {0};
    struct stat held = {0}, now = {0};
    scratch_root_dir(&root, STATE_FOLDER);
    pid_t pid = hold(200, replace_folder);
    CU_ASSERT_EQUAL(lock_take(&root, 20, &lock, &err), 0);
    CU_ASSERT_EQUAL(fstat(lock.fd, &held), 0);
    CU_ASSERT_EQUAL(root_stat(&root, STATE_FOLDER, &now), 0);
    CU_ASSERT_EQUAL(held.st_ino, now.st_ino);
    end(pid);
}

static void remove_folder(void) {
    rmdir(scratch_root_host(&root, STATE_FOLDER));
}

static void test_a_folder_removed_while_waiting_is_nothing(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error err = {0};
    scratch_root_dir(&root, STATE_FOLDER);
    pid_t pid = hold(200, remove_folder);
    CU_ASSERT_EQUAL(lock_take(&root, 20, &lock, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
    CU_ASSERT_FALSE(root_exists(&root, STATE_FOLDER));
    end(pid);
}

static void test_a_bake_survives_the_removal(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error err = {0};
    scratch_root_dir(&root, STATE_FOLDER);
    pid_t pid = hold(200, remove_folder);
    CU_ASSERT_EQUAL(lock_take_making(&root, 20, NULL, &lock, &err), 0);
    CU_ASSERT_TRUE(root_exists(&root, STATE_FOLDER));
    end(pid);
}

static void test_a_link_is_refused(void) {
    AUTO_LOCK struct lock lock = LOCK_INIT;
    struct error err = {0};
    scratch_root_dir(&root, "/var/lib/elsewhere");
    scratch_root_link(&root, STATE_FOLDER, "elsewhere");
    CU_ASSERT_NOT_EQUAL(lock_take(&root, 0, &lock, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

/* In a process of its own: the signal stays pending for the rest of it. */
static int interrupted_wait(void) {
    struct lock lock = LOCK_INIT;
    struct error err = {0};
    interrupt_install();
    raise(SIGTERM);
    return lock_take(&root, 60, &lock, &err) == -EINTR ? 0 : 1;
}

static void test_a_signal_ends_the_wait(void) {
    int status = -1;
    scratch_root_dir(&root, STATE_FOLDER);
    pid_t holder = hold(60000, NULL);
    pid_t waiter = fork();
    if (waiter == 0)
        _exit(interrupted_wait());
    CU_ASSERT_EQUAL(waitpid(waiter, &status, 0), waiter);
    CU_ASSERT_EQUAL(status, 0);
    end(holder);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no folder is nothing", test_no_folder_is_nothing},
        {"a bake makes the folder", test_a_bake_makes_the_folder},
        {"the holder is named", test_the_holder_is_named},
        {"the wait is bounded", test_the_wait_is_bounded},
        {"a killed holder frees it", test_a_killed_holder_frees_it},
        {"it is waited for", test_it_is_waited_for},
        {"release frees it", test_release_frees_it},
        {"the lock of dkms", test_the_lock_of_dkms},
        {"a replaced folder is locked anew", test_a_replaced_folder_is_locked_anew},
        {"a folder removed while waiting is nothing",
         test_a_folder_removed_while_waiting_is_nothing},
        {"a bake survives the removal", test_a_bake_survives_the_removal},
        {"a link is refused", test_a_link_is_refused},
        {"a signal ends the wait", test_a_signal_ends_the_wait},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "lock", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
