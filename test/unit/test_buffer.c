#include "base/buffer.h"

#include <CUnit/Basic.h>
#include <stdbool.h>
#include <string.h>

#include "test/unit/run_suites.h"

static struct buffer buffer;

static void set_up(void) {
    buffer = (struct buffer){0};
}

static void tear_down(void) {
    buffer_release(&buffer);
}

static void test_empty_reads_as_an_empty_string(void) {
    CU_ASSERT_STRING_EQUAL(buffer_string(&buffer), "");
    CU_ASSERT_EQUAL(buffer_append(&buffer, NULL, 0), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&buffer), "");
    CU_ASSERT_EQUAL(buffer.size, 0);
}

static void test_appends_follow_each_other(void) {
    CU_ASSERT_EQUAL(buffer_append(&buffer, "ab\0c", 4), 0);
    CU_ASSERT_EQUAL(buffer_append_string(&buffer, "de"), 0);
    CU_ASSERT_EQUAL(buffer_printf(&buffer, "%d%%", 12), 0);
    CU_ASSERT_EQUAL(buffer.size, 9);
    CU_ASSERT_EQUAL(memcmp(buffer.data, "ab\0cde12%", 10), 0);
}

/* One byte at a time over several doublings: always a NUL behind the last byte. */
static void test_it_grows_and_stays_terminated(void) {
    bool terminated = true;
    for (unsigned i = 0; i < 5000; i++) {
        const char byte = (char)('a' + i % 26);
        CU_ASSERT_EQUAL(buffer_append(&buffer, &byte, 1), 0);
        terminated = terminated && buffer.data[buffer.size] == 0 && buffer.size < buffer.capacity;
    }
    CU_ASSERT_TRUE(terminated);
    CU_ASSERT_EQUAL(buffer.size, 5000);
    CU_ASSERT_EQUAL(buffer.data[4999], 'a' + 4999 % 26);
}

static void test_room_for_exactly_the_capacity(void) {
    CU_ASSERT_EQUAL(buffer_reserve(&buffer, 255), 0);
    CU_ASSERT_EQUAL(buffer.capacity, 256);
    uint8_t *before = buffer.data;
    CU_ASSERT_EQUAL(buffer_printf(&buffer, "%255s", "x"), 0);
    CU_ASSERT_PTR_EQUAL(buffer.data, before);
    CU_ASSERT_EQUAL(buffer_append_string(&buffer, "y"), 0);
    CU_ASSERT_EQUAL(buffer.capacity, 512);
}

static void test_impossible_sizes_leave_it_as_it_was(void) {
    CU_ASSERT_EQUAL(buffer_append_string(&buffer, "kept"), 0);
    CU_ASSERT_EQUAL(buffer_reserve(&buffer, SIZE_MAX), -ENOMEM);
    CU_ASSERT_EQUAL(buffer_reserve(&buffer, SIZE_MAX - buffer.size), -ENOMEM);
    CU_ASSERT_EQUAL(buffer_reserve(&buffer, SIZE_MAX / 2 + 1), -ENOMEM);
    CU_ASSERT_STRING_EQUAL(buffer_string(&buffer), "kept");
    CU_ASSERT_EQUAL(buffer.size, 4);
    CU_ASSERT_EQUAL(buffer.capacity, 256);
}

static void test_released_it_can_be_used_again(void) {
    CU_ASSERT_EQUAL(buffer_append_string(&buffer, "first"), 0);
    buffer_release(&buffer);
    CU_ASSERT_PTR_NULL(buffer.data);
    CU_ASSERT_EQUAL(buffer.capacity, 0);
    CU_ASSERT_EQUAL(buffer_append_string(&buffer, "second"), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&buffer), "second");
}

/* Megabytes are asked for in another way than bytes: growing keeps them all the same. */
static void test_large_ones_grow_too(void) {
    static const size_t sizes[] = {3 << 20, 9 << 20, 33 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        CU_ASSERT_EQUAL_FATAL(buffer_reserve(&buffer, sizes[i] - buffer.size), 0);
        memset(buffer.data + buffer.size, (int)('a' + i), sizes[i] - buffer.size);
        buffer.size = sizes[i];
    }
    CU_ASSERT_EQUAL(buffer_append_string(&buffer, "end"), 0);
    CU_ASSERT_EQUAL(buffer.data[0], 'a');
    CU_ASSERT_EQUAL(buffer.data[sizes[0] - 1], 'a');
    CU_ASSERT_EQUAL(buffer.data[sizes[0]], 'b');
    CU_ASSERT_EQUAL(buffer.data[sizes[2] - 1], 'c');
    CU_ASSERT_STRING_EQUAL((const char *)buffer.data + sizes[2], "end");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"empty reads as an empty string", test_empty_reads_as_an_empty_string},
        {"appends follow each other", test_appends_follow_each_other},
        {"it grows and stays terminated", test_it_grows_and_stays_terminated},
        {"room for exactly the capacity", test_room_for_exactly_the_capacity},
        {"impossible sizes leave it as it was", test_impossible_sizes_leave_it_as_it_was},
        {"released it can be used again", test_released_it_can_be_used_again},
        {"large ones grow too", test_large_ones_grow_too},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "buffer", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
