#include "kmod/system/nvidia_gpus.h"

#include <CUnit/Basic.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define DEVICES "/bus/pci/devices"
#define V100 "pci:v000010DEd00001DB1sv000010DEsd00001212bc03sc02i00"
#define T4 "pci:v000010DEd00001EB8sv000010DEsd000012A2bc03sc02i00"
#define AUDIO "pci:v000010DEd00001AD8sv000010DEsd000012A2bc04sc03i00"
#define OTHERS "pci:v00001234d00001111sv00001AF4sd00001100bc03sc00i00"

static struct root sysfs = ROOT_INIT;
static struct strlist gpus, aliases;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&sysfs);
}

static void tear_down(void) {
    strlist_release(&gpus);
    strlist_release(&aliases);
    scratch_root_remove(&sysfs);
}

static void add_device(const char *slot, const char *modalias) {
    AUTO_FREE char *path = NULL, *text = NULL;
    CU_ASSERT_TRUE(asprintf(&path, DEVICES "/%s/modalias", slot) > 0);
    CU_ASSERT_TRUE(asprintf(&text, "%s\n", modalias) > 0);
    scratch_root_write(&sysfs, path, text);
}

static void list(size_t count) {
    CU_ASSERT_EQUAL(nvidia_gpus_list(sysfs.path, &gpus, &err), 0);
    CU_ASSERT_EQUAL(gpus.count, count);
}

static void test_no_devices(void) {
    list(0);
    CU_ASSERT_PTR_NULL(nvidia_gpus_unsupported(&gpus, &aliases));
}

/* Another vendor's display, a GPU's sound function, a device that went away. */
static void test_only_nvidia_displays(void) {
    add_device("0000:00:02.0", OTHERS);
    add_device("0000:01:00.0", V100);
    add_device("0000:01:00.1", AUDIO);
    scratch_root_dir(&sysfs, DEVICES "/0000:02:00.0");
    list(1);
    CU_ASSERT_STRING_EQUAL(gpus.items[0], V100);
}

static void check_support(const char *alias, const char *unsupported) {
    if (alias)
        CU_ASSERT_EQUAL(strlist_add(&aliases, alias), 0);
    const char *found = nvidia_gpus_unsupported(&gpus, &aliases);
    CU_ASSERT_STRING_EQUAL(found ? found : "-", unsupported);
}

static void test_every_gpu_needs_an_alias(void) {
    add_device("0000:01:00.0", T4);
    add_device("0000:02:00.0", V100);
    list(2);
    check_support(NULL, V100);
    check_support("pci:v000010DEd00001EB8sv*sd*bc03sc02i00*", V100);
    check_support("pci:v000010DEd00001DB[2-9]sv*", V100);
    check_support("pci:v000010DEd*sv*sd*bc03sc00i00*", V100);
    check_support("pci:v000010DEd*sv*sd*bc03sc02i00*", "-");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"no devices", test_no_devices},
        {"only NVIDIA displays", test_only_nvidia_displays},
        {"every GPU needs an alias", test_every_gpu_needs_an_alias},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "nvidia_gpus", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
