#include "builder/bundle_id.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define BUILD_DIR "/usr/src/headers-6.1"

static struct root root;
static struct bake_options options;
static struct plan plan;
static struct error err;

static void set_up(void) {
    static char name[] = "small", version[] = "1.0", make[] = "make -j4 modules", none[] = "",
                release[] = "6.1.0-47", machine[] = "x86_64", vermagic[] = "6.1.0-47 SMP ",
                compiler[] = "gcc-12 (x) 12.2", build_dir[] = BUILD_DIR;
    scratch_root_make(&root);
    scratch_root_write(&root, BUILD_DIR "/Makefile", "one");
    options = (struct bake_options){.jobs = 4};
    plan = (struct plan){
        .root = &root,
        .options = &options,
        .headers = {.release = release,
                    .machine = machine,
                    .vermagic = vermagic,
                    .build_dir = build_dir},
        .conf =
            {.name = name, .version = version, .make = make, .pre_build = none, .post_build = none},
        .compiler = {.version = compiler},
    };
    err = (struct error){0};
}

static void tear_down(void) {
    scratch_root_remove(&root);
}

/* Valid until some calls later. */
static const char *id(void) {
    static char hex[4][DIGEST_HEX_SIZE];
    static unsigned turn;
    char *made = hex[turn++ % 4];
    CU_ASSERT_EQUAL(bundle_id_make(&plan, made, &err), 0);
    CU_ASSERT_EQUAL(strlen(made), DIGEST_HEX_SIZE - 1);
    return made;
}

/* Whether writing that makes it another bundle. */
static bool counts(const char *path) {
    scratch_root_write(&root, path, "before");
    const char *before = id();
    scratch_root_write(&root, path, "after");
    return strcmp(before, id()) != 0;
}

static void test_same_inputs(void) {
    CU_ASSERT_STRING_EQUAL(id(), id());
}

static void test_headers(void) {
    CU_ASSERT(counts(BUILD_DIR "/include/generated/autoconf.h"));
    CU_ASSERT_FALSE(counts("/usr/src/other/Makefile"));
}

/* What several kernels share may have a name that begins as that of the build's folder. */
static void test_linked_headers(void) {
    scratch_root_link(&root, "/lib/modules/6.1.0-47/source", BUILD_DIR "-common");
    scratch_root_link(&root, BUILD_DIR "/scripts", "/usr/lib/kbuild-6.1/scripts");
    CU_ASSERT(counts(BUILD_DIR "-common/Makefile"));
    CU_ASSERT(counts("/usr/lib/kbuild-6.1/scripts/mod/modpost"));
}

/* The build's folder itself, or a part of it, is not looked at twice. */
static void test_link_into_the_folder(void) {
    const char *before = id();
    scratch_root_link(&root, "/lib/modules/6.1.0-47/source", BUILD_DIR);
    CU_ASSERT_STRING_EQUAL(before, id());
}

static void test_jobs(void) {
    static char fewer[] = "make -j2 modules", other[] = "make -j2 install";
    const char *before = id();
    options.jobs = 2;
    plan.conf.make = fewer;
    CU_ASSERT_STRING_EQUAL(before, id());
    plan.conf.make = other;
    CU_ASSERT_STRING_NOT_EQUAL(before, id());
}

int main(void) {
    CU_TestInfo tests[] = {
        {"same inputs", test_same_inputs},
        {"headers", test_headers},
        {"linked headers", test_linked_headers},
        {"a link into the folder", test_link_into_the_folder},
        {"jobs", test_jobs},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "bundle id", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
