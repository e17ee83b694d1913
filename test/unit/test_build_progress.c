#include "toolchain/build_progress.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "test/unit/run_suites.h"

static char last_message[128];
static unsigned messages;

static void remember(void *context, enum log_level level, const char *message) {
    (void)context;
    messages += level == LOG_LEVEL_PROGRESS;
    snprintf(last_message, sizeof last_message, "%s", message);
}

/* A log that grows by `text`, and a tick after it. */
static void grow(FILE *log, const char *text, struct build_progress *progress) {
    fputs(text, log);
    fflush(log);
    build_progress_tick(progress);
}

static void test_files_are_counted_as_they_come(void) {
    AUTO_FCLOSE FILE *log = tmpfile();
    struct build_progress progress = {.log_fd = fileno(log)};
    log_set_sink(remember, NULL);
    messages = 0;
    grow(log, "make: Entering directory\n  CC [M]  /x/a.o\n  CC [", &progress);
    CU_ASSERT_EQUAL(progress.files, 1);
    CU_ASSERT_STRING_EQUAL(last_message, "compiling: 1 files");
    grow(log, "M]  /x/b.o\n", &progress);
    grow(log, "  gcc-12 -Wp,-MMD -c -o /x/c.o /x/c.c\n  LD [M]  /x/x.ko\n", &progress);
    CU_ASSERT_EQUAL(progress.files, 3);
    CU_ASSERT_STRING_EQUAL(last_message, "compiling: 3 files");
    grow(log, "nothing of interest\n", &progress);
    CU_ASSERT_EQUAL(messages, 3);
}

static void test_a_line_without_end_is_passed(void) {
    AUTO_FCLOSE FILE *log = tmpfile();
    struct build_progress progress = {.log_fd = fileno(log)};
    for (int i = 0; i < 20000; i++)
        fputs("0123456789", log);
    grow(log, "", &progress);
    CU_ASSERT_TRUE(progress.read > 0);
    grow(log, "\n  CC [M]  /x/a.o\n", &progress);
    CU_ASSERT_EQUAL(progress.files, 1);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"files are counted as they come", test_files_are_counted_as_they_come},
        {"a line without end is passed", test_a_line_without_end_is_passed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {{.pName = "build_progress", .pTests = tests}, CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
