#include "builder/bundle_record.h"

#include <CUnit/Basic.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "test/unit/run_suites.h"
#include "test/unit/workdir.h"

#define ID "8f434346648f6b96df89dda901c5176b10a6d83961dd3c1ac88b59b2dc327aa4"

static char first[] = "nvidia-current-open", second[] = "nvidia-drm";
static struct dkms_conf_module modules[] = {{.dest_name = first}, {.dest_name = second}};
static struct plan plan;
static struct error err;

static void write_module(const char *name, const char *content) {
    CU_ASSERT_TRUE(workdir_write(name, content, strlen(content)));
}

static void set_up(void) {
    static char name[] = "nvidia", version[] = "535.261.03", release[] = "6.1.0-47",
                machine[] = "x86_64", vermagic[] = "6.1.0-47 SMP ", compiler[] = "gcc-12 (x) 12.2";
    plan = (struct plan){
        .conf = {.name = name, .version = version, .modules = modules, .module_count = 2},
        .headers = {.release = release, .machine = machine, .vermagic = vermagic},
        .compiler = {.version = compiler},
        .source = {.digest = ID},
        .bundle_id = ID,
    };
    err = (struct error){0};
    CU_ASSERT_EQUAL(workdir_open(), 0);
    CU_ASSERT_EQUAL(mkdir(workdir_path("modules"), 0755), 0);
    write_module("modules/nvidia-current-open.ko", "one");
    write_module("modules/nvidia-drm.ko", "two");
    CU_ASSERT_EQUAL(bundle_record_write(&plan, workdir_path(""), &err), 0);
}

static void tear_down(void) {
    CU_ASSERT_EQUAL(workdir_close(), 0);
}

static int check(void) {
    err = (struct error){0};
    return bundle_record_check(&plan, workdir_path(""), &err);
}

static void check_damaged(const char *fact) {
    CU_ASSERT_TRUE(check() < 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    if (!strstr(err.text, fact))
        CU_FAIL("the sentence does not name the fact");
}

static void test_the_record_says_what_it_was_made_from(void) {
    AUTO_BUFFER struct buffer text = {0}, digest = {0};
    CU_ASSERT_TRUE(workdir_read("bundle.json", &text));
    json_t *record = json_loads(buffer_string(&text), 0, NULL);
    const char *name = NULL, *vermagic = NULL, *id = NULL, *one = NULL;
    CU_ASSERT_EQUAL(json_unpack(record, "{s:s, s:s, s:s, s:{s:s}}", "name", &name, "vermagic",
                                &vermagic, "id", &id, "modules", "nvidia-current-open", &one),
                    0);
    CU_ASSERT_STRING_EQUAL(name, "nvidia");
    CU_ASSERT_STRING_EQUAL(vermagic, "6.1.0-47 SMP ");
    CU_ASSERT_STRING_EQUAL(id, ID);
    CU_ASSERT_TRUE(workdir_output(&digest, "sha256sum", "modules/nvidia-current-open.ko", NULL));
    CU_ASSERT_EQUAL(strncmp(buffer_string(&digest), one, strlen(one)), 0);
    json_decref(record);
    CU_ASSERT_EQUAL(text.data[text.size - 1], '\n');
}

static void test_the_same_inputs_give_the_same_bytes(void) {
    AUTO_BUFFER struct buffer once = {0}, twice = {0};
    CU_ASSERT_TRUE(workdir_read("bundle.json", &once));
    CU_ASSERT_EQUAL(unlink(workdir_path("bundle.json")), 0);
    CU_ASSERT_EQUAL(bundle_record_write(&plan, workdir_path(""), &err), 0);
    CU_ASSERT_TRUE(workdir_read("bundle.json", &twice));
    CU_ASSERT_STRING_EQUAL(buffer_string(&once), buffer_string(&twice));
}

static void test_a_whole_bundle(void) {
    CU_ASSERT_EQUAL(check(), 0);
}

static void test_a_changed_module(void) {
    write_module("modules/nvidia-drm.ko", "twO");
    check_damaged("nvidia-drm");
}

static void test_a_module_that_is_not_there(void) {
    CU_ASSERT_EQUAL(unlink(workdir_path("modules/nvidia-drm.ko")), 0);
    check_damaged("nvidia-drm");
}

/* A link could lead to anything, a fifo would be waited for. */
static void test_a_module_that_is_no_file(void) {
    CU_ASSERT_EQUAL(rename(workdir_path("modules/nvidia-drm.ko"), workdir_path("real.ko")), 0);
    CU_ASSERT_EQUAL(symlink("../real.ko", workdir_path("modules/nvidia-drm.ko")), 0);
    check_damaged("nvidia-drm");
    CU_ASSERT_EQUAL(unlink(workdir_path("modules/nvidia-drm.ko")), 0);
    CU_ASSERT_EQUAL(mkfifo(workdir_path("modules/nvidia-drm.ko"), 0600), 0);
    check_damaged("nvidia-drm");
}

static void test_a_module_that_the_record_does_not_know(void) {
    plan.conf.module_count = 1;
    CU_ASSERT_EQUAL(unlink(workdir_path("bundle.json")), 0);
    CU_ASSERT_EQUAL(bundle_record_write(&plan, workdir_path(""), &err), 0);
    plan.conf.module_count = 2;
    check_damaged("nvidia-drm");
}

static void test_another_plan(void) {
    plan.bundle_id[0] = '9';
    check_damaged("not its own");
}

static void test_a_record_that_is_no_record(void) {
    static const char *const texts[] = {
        "",
        "{",
        "[]",
        "\"x\"",
        "{\"format\":1}",
        "{\"format\":1,\"id\":7}",
        "{\"format\":2,\"id\":\"" ID "\",\"modules\":{}}",
        "{\"format\":1,\"id\":\"" ID "\"}",
        "{\"format\":1,\"id\":\"" ID "\",\"modules\":[]}",
        "{\"format\":1,\"id\":\"" ID "\",\"modules\":{\"nvidia-current-open\":1}}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        CU_ASSERT_TRUE(workdir_write("bundle.json", texts[i], strlen(texts[i])));
        check_damaged("bundle");
    }
    CU_ASSERT_EQUAL(unlink(workdir_path("bundle.json")), 0);
    check_damaged("bundle.json");
}

static void test_a_record_is_not_written_over_another(void) {
    CU_ASSERT_EQUAL(bundle_record_write(&plan, workdir_path(""), &err), -EEXIST);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "bundle.json"));
}

static void test_what_it_was_made_from_is_read(void) {
    struct bundle_origin origin = {0};
    CU_ASSERT_EQUAL(bundle_origin_read(workdir_path(""), &origin, &err), 0);
    CU_ASSERT_STRING_EQUAL(origin.id, ID);
    CU_ASSERT_STRING_EQUAL(origin.kernel, "6.1.0-47");
    CU_ASSERT_STRING_EQUAL(origin.compiler, "gcc-12 (x) 12.2");
    CU_ASSERT_STRING_EQUAL(origin.source_sha256, ID);
    bundle_origin_release(&origin);
}

static void check_no_origin(const char *text, enum error_kind kind) {
    struct bundle_origin origin = {0};
    err = (struct error){0};
    CU_ASSERT_TRUE(!text || workdir_write("bundle.json", text, strlen(text)));
    CU_ASSERT_TRUE(bundle_origin_read(workdir_path(""), &origin, &err) < 0);
    CU_ASSERT_EQUAL(err.kind, kind);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "bundle.json"));
    bundle_origin_release(&origin);
}

static void test_what_is_no_bundle_has_no_origin(void) {
    check_no_origin("", ERROR_DAMAGED);
    check_no_origin("[]", ERROR_DAMAGED);
    check_no_origin("{\"format\":1,\"id\":\"x\",\"kernel\":\"x\",\"compiler\":7}", ERROR_DAMAGED);
    CU_ASSERT_EQUAL(unlink(workdir_path("bundle.json")), 0);
    check_no_origin(NULL, ERROR_USAGE);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"what it was made from is read", test_what_it_was_made_from_is_read},
        {"what is no bundle has no origin", test_what_is_no_bundle_has_no_origin},
        {"the record says what it was made from", test_the_record_says_what_it_was_made_from},
        {"the same inputs give the same bytes", test_the_same_inputs_give_the_same_bytes},
        {"a whole bundle", test_a_whole_bundle},
        {"a changed module", test_a_changed_module},
        {"a module that is not there", test_a_module_that_is_not_there},
        {"a module that is no file", test_a_module_that_is_no_file},
        {"a module that the record does not know", test_a_module_that_the_record_does_not_know},
        {"another plan", test_another_plan},
        {"a record that is no record", test_a_record_that_is_no_record},
        {"a record is not written over another", test_a_record_is_not_written_over_another},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "bundle_record",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
