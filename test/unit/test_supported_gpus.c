#include "builder/supported_gpus.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

#define T4 "pci:v000010DEd00001EB8sv*sd*bc03sc*i*"
#define V100 "pci:v000010DEd00001DB1sv*sd*bc03sc*i*"
#define BOARD "pci:v000010DEd00001E37sv000010DEsd00001347bc03sc*i*"

static const char chips[] =
    "{\"chips\": ["
    "{\"devid\": \"0x1EB8\", \"features\": [\"runtimepm\", \"kernelopen\"]},"
    "{\"devid\": \"0x1EB8\", \"features\": [\"kernelopen\"]},"
    "{\"devid\": \"0x1DB1\", \"features\": []},"
    "{\"devid\": \"0x102D\", \"legacybranch\": \"470.xx\"},"
    "{\"devid\": \"0x1E37\", \"subvendorid\": \"0x10DE\", \"subdevid\": \"0x1347\"}]}";

static char licence[32];
static struct module_facts module;
static struct supported_gpus gpus;
static struct strlist aliases;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    module = (struct module_facts){.licence = licence};
    CU_ASSERT_EQUAL(workdir_open(), 0);
}

static void tear_down(void) {
    supported_gpus_release(&gpus);
    strlist_release(&module.aliases);
    strlist_release(&aliases);
    CU_ASSERT_EQUAL(workdir_close(), 0);
}

static int read_text(const char *text) {
    supported_gpus_release(&gpus);
    CU_ASSERT_TRUE(workdir_write("gpus.json", text, strlen(text)));
    return supported_gpus_read(workdir_path("gpus.json"), &gpus, &err);
}

static void check_list(const struct strlist *list, const char *expected) {
    AUTO_FREE char *joined = strlist_join(list, " ");
    CU_ASSERT_STRING_EQUAL(joined, expected);
}

static void test_a_list(void) {
    CU_ASSERT_EQUAL(read_text(chips), 0);
    check_list(&gpus.all, T4 " " V100 " " BOARD);
    check_list(&gpus.open, T4);
    CU_ASSERT_EQUAL(strlen(gpus.digest), DIGEST_HEX_SIZE - 1);
}

static void test_what_is_no_list(void) {
    static const char *const texts[] = {
        "",
        "[]",
        "{\"chips\": {}}",
        "{\"chips\": []}",
        "{\"chips\": [7]}",
        "{\"chips\": [{\"devid\": \"Tesla\"}]}",
        "{\"chips\": [{\"devid\": \"0x11EB8\"}]}",
        "{\"chips\": [{\"devid\": \"0x1EB8\", \"subdevid\": \"0x1347\"}]}",
        "{\"chips\": [{\"devid\": \"0x102D\", \"legacybranch\": \"470.xx\"}]}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        err = (struct error){0};
        CU_ASSERT_TRUE(read_text(texts[i]) < 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "gpus.json"));
    }
    CU_ASSERT_EQUAL(supported_gpus_read(workdir_path("nowhere"), &gpus, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
}

static void check_added(const char *of_licence, const char *expected) {
    snprintf(licence, sizeof licence, "%s", of_licence);
    strlist_release(&aliases);
    CU_ASSERT_EQUAL(supported_gpus_add(&gpus, &module, &aliases), 0);
    check_list(&aliases, expected);
}

#define ANY "pci:v000010DEd*sv*sd*bc03sc02i00*"
#define ONE "pci:v000010DEd00001AD8sv*sd*bc03sc*i*"

static void test_in_the_place_of_any_gpu(void) {
    CU_ASSERT_EQUAL(strlist_add(&module.aliases, "char-major-195-*"), 0);
    CU_ASSERT_EQUAL(strlist_add(&module.aliases, ANY), 0);
    CU_ASSERT_EQUAL(strlist_add(&module.aliases, ONE), 0);
    check_added("NVIDIA", ANY " " ONE);
    CU_ASSERT_EQUAL(read_text(chips), 0);
    check_added("NVIDIA", ONE " " T4 " " V100 " " BOARD);
    check_added("Dual MIT/GPL", ONE " " T4);
}

static void test_modules_that_claim_no_gpu(void) {
    CU_ASSERT_EQUAL(read_text(chips), 0);
    check_added("NVIDIA", "");
    CU_ASSERT_EQUAL(strlist_add(&module.aliases, ONE), 0);
    check_added("NVIDIA", ONE);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"a list", test_a_list},
        {"what is no list", test_what_is_no_list},
        {"in the place of any GPU", test_in_the_place_of_any_gpu},
        {"modules that claim no GPU", test_modules_that_claim_no_gpu},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "supported_gpus",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
