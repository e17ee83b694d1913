#include "kmod/module/export_table.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>

#include "test/unit/run_suites.h"

#define MANY 20000

static void test_find(void) {
    static char names[MANY][16];
    AUTO_EXPORT_TABLE struct export_table table = {.items = NULL};
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "symbol_%u", i);
        CU_ASSERT_EQUAL_FATAL(
            export_table_add(&table, &(struct export){.name = names[i], .crc = i}), 0);
    }
    CU_ASSERT_EQUAL_FATAL(export_table_sort(&table), 0);
    unsigned wrong = 0;
    for (unsigned i = 0; i < MANY; i++) {
        size_t count = 0;
        const struct export *found = export_table_find(&table, names[i], &count);
        wrong += !found || found->crc != i || count != 1 || strcmp(found->name, names[i]) != 0;
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_PTR_NULL(export_table_find(&table, "symbol_20000", NULL));
    CU_ASSERT_PTR_NULL(export_table_find(&table, "", NULL));
}

static void test_same_name(void) {
    AUTO_EXPORT_TABLE struct export_table first = {.items = NULL};
    AUTO_EXPORT_TABLE struct export_table table = {.items = NULL};
    CU_ASSERT_EQUAL(export_table_add(&first, &(struct export){.name = "same", .sibling = 7}), 0);
    CU_ASSERT_EQUAL(export_table_add(&table, &(struct export){.name = "same", .sibling = 9}), 0);
    CU_ASSERT_EQUAL(export_table_add(&table, &(struct export){.name = "other"}), 0);
    CU_ASSERT_EQUAL(export_table_add_all(&table, &first), 0);
    CU_ASSERT_EQUAL(table.count, 3);
    CU_ASSERT_EQUAL_FATAL(export_table_sort(&table), 0);
    size_t count = 0;
    const struct export *found = export_table_find(&table, "same", &count);
    CU_ASSERT_EQUAL_FATAL(count, 2);
    CU_ASSERT_EQUAL(found[0].sibling, 9);
    CU_ASSERT_EQUAL(found[1].sibling, 7);
}

/* Many of one name share a bucket, and keep their order. */
static void test_many_of_a_name(void) {
    AUTO_EXPORT_TABLE struct export_table table = {.items = NULL};
    for (unsigned i = 0; i < MANY; i++)
        CU_ASSERT_EQUAL_FATAL(
            export_table_add(&table, &(struct export){.name = i % 2 ? "odd" : "even", .crc = i}),
            0);
    CU_ASSERT_EQUAL_FATAL(export_table_sort(&table), 0);
    size_t count = 0, wrong = 0;
    const struct export *odd = export_table_find(&table, "odd", &count);
    CU_ASSERT_EQUAL_FATAL(count, MANY / 2);
    for (unsigned i = 0; i < MANY / 2; i++)
        wrong += odd[i].crc != 2 * i + 1;
    CU_ASSERT_EQUAL(wrong, 0);
}

/* "costarring" and "liquid" have one FNV-1a value, 0x5e4daa9d. */
static void test_collision(void) {
    AUTO_EXPORT_TABLE struct export_table table = {.items = NULL};
    CU_ASSERT_EQUAL(export_table_add(&table, &(struct export){.name = "liquid", .crc = 1}), 0);
    CU_ASSERT_EQUAL(export_table_add(&table, &(struct export){.name = "costarring", .crc = 2}), 0);
    CU_ASSERT_EQUAL_FATAL(export_table_sort(&table), 0);
    CU_ASSERT_EQUAL(table.items[0].hash, table.items[1].hash);
    CU_ASSERT_EQUAL(export_table_find(&table, "liquid", NULL)->crc, 1);
    CU_ASSERT_EQUAL(export_table_find(&table, "costarring", NULL)->crc, 2);
}

static void test_empty(void) {
    AUTO_EXPORT_TABLE struct export_table table = {.items = NULL};
    size_t count = 5;
    CU_ASSERT_EQUAL_FATAL(export_table_sort(&table), 0);
    CU_ASSERT_PTR_NULL(export_table_find(&table, "any", &count));
    CU_ASSERT_EQUAL(count, 0);
}

static CU_TestInfo tests[] = {
    {"every one of 20,000 is found", test_find},
    {"equal names keep their order", test_same_name},
    {"many of one name", test_many_of_a_name},
    {"two names with one hash", test_collision},
    {"an empty table", test_empty},
    CU_TEST_INFO_NULL,
};

int main(void) {
    CU_SuiteInfo suites[] = {
        {.pName = "export table", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
