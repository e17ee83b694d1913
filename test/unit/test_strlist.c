#include "base/strlist.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"

static struct strlist list;

static void set_up(void) {
    list = (struct strlist){0};
}

static void tear_down(void) {
    strlist_release(&list);
}

static void add_all(const char *const *strings) {
    for (; *strings; strings++)
        CU_ASSERT_EQUAL(strlist_add(&list, *strings), 0);
}

static void test_it_owns_copies(void) {
    char word[] = "word";
    CU_ASSERT_EQUAL(strlist_add(&list, word), 0);
    word[0] = 'x';
    CU_ASSERT_STRING_EQUAL(list.items[0], "word");
    CU_ASSERT_EQUAL(strlist_addf(&list, "%s-%03d", "n", 7), 0);
    CU_ASSERT_STRING_EQUAL(list.items[1], "n-007");
    CU_ASSERT_EQUAL(list.count, 2);
}

/* Over every boundary of its growth the list serves as an argument vector. */
static void test_it_always_ends_with_null(void) {
    bool ended = true;
    for (unsigned i = 0; i < 100; i++) {
        CU_ASSERT_EQUAL(strlist_addf(&list, "%u", i), 0);
        ended = ended && list.items[list.count] == NULL && list.count < list.capacity;
    }
    CU_ASSERT_TRUE(ended);
    CU_ASSERT_EQUAL(list.count, 100);
    CU_ASSERT_STRING_EQUAL(list.items[99], "99");
}

static void test_contains_compares_whole_strings(void) {
    add_all((const char *const[]){"nvidia", "", NULL});
    CU_ASSERT_TRUE(strlist_contains(&list, "nvidia"));
    CU_ASSERT_TRUE(strlist_contains(&list, ""));
    CU_ASSERT_FALSE(strlist_contains(&list, "nvidia-drm"));
    CU_ASSERT_FALSE(strlist_contains(&list, "nvidi"));
    strlist_release(&list);
    CU_ASSERT_FALSE(strlist_contains(&list, ""));
}

/* Bytes decide, not the locale: "Z" before "a", 0xC3 last. */
static void test_sort_is_by_bytes(void) {
    strlist_sort(&list);
    add_all((const char *const[]){"\xc3\xa4", "b", "a/b", "Z", "a", "a.b", "", NULL});
    strlist_sort(&list);
    AUTO_FREE char *joined = strlist_join(&list, ",");
    CU_ASSERT_STRING_EQUAL(joined, ",Z,a,a.b,a/b,b,\xc3\xa4");
}

static void test_join(void) {
    AUTO_FREE char *none = strlist_join(&list, ", ");
    CU_ASSERT_STRING_EQUAL(none, "");
    add_all((const char *const[]){"one", NULL});
    AUTO_FREE char *one = strlist_join(&list, ", ");
    CU_ASSERT_STRING_EQUAL(one, "one");
    add_all((const char *const[]){"two", "three", NULL});
    AUTO_FREE char *three = strlist_join(&list, ", ");
    CU_ASSERT_STRING_EQUAL(three, "one, two, three");
}

static void test_released_it_can_be_used_again(void) {
    add_all((const char *const[]){"a", "b", NULL});
    strlist_release(&list);
    CU_ASSERT_EQUAL(list.count, 0);
    CU_ASSERT_PTR_NULL(list.items);
    add_all((const char *const[]){"c", NULL});
    CU_ASSERT_STRING_EQUAL(list.items[0], "c");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"it owns copies", test_it_owns_copies},
        {"it always ends with null", test_it_always_ends_with_null},
        {"contains compares whole strings", test_contains_compares_whole_strings},
        {"sort is by bytes", test_sort_is_by_bytes},
        {"join", test_join},
        {"released it can be used again", test_released_it_can_be_used_again},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "strlist", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
