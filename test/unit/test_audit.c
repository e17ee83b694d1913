#include "kmod/lifecycle/audit.h"

#include <CUnit/Basic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/parked_store.h"
#include "test/unit/baked_root.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct audit_report report;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    baked_root_make(&root);
}

static void tear_down(void) {
    audit_report_release(&report);
    scratch_root_remove(&root);
}

/* What the judgement is. */
static int audit(const char *expected) {
    const struct audit_options options = {.expected = expected};
    audit_report_release(&report);
    err = (struct error){0};
    int rc = audit_run(&root, &options, &report, &err);
    return rc ? rc : audit_judge(&root, &report, &err);
}

static bool has(const char *check, enum audit_weight weight, const char *words) {
    for (size_t i = 0; i < report.count; i++) {
        const struct audit_finding *finding = &report.items[i];
        if (!strcmp(finding->check, check) && finding->weight == weight &&
            (strstr(finding->text, words) || strstr(finding->subject, words)))
            return true;
    }
    return false;
}

static void show(const char *check, const char *words) {
    fprintf(stderr, "no such finding: %s: %s\n", check, words);
    for (size_t i = 0; i < report.count; i++)
        fprintf(stderr, "  %s %d %s: %s\n", report.items[i].check, report.items[i].weight,
                report.items[i].subject, report.items[i].text);
}

static void expect_fit(const char *layout) {
    int rc = audit(layout);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    CU_ASSERT_EQUAL(rc, 0);
}

static void expect_said(const char *check, enum audit_weight weight, const char *words) {
    bool found = has(check, weight, words);
    if (!found)
        show(check, words);
    CU_ASSERT_TRUE(found);
}

static void expect_misfit(const char *layout, const char *check, const char *words) {
    CU_ASSERT_EQUAL(audit(layout), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, layout));
    expect_said(check, AUDIT_MISFIT, words);
}

static const char *stored(const char *path) {
    static char kept[PATH_MAX];
    snprintf(kept, sizeof kept, PARKED_STORE "%s", path);
    return kept;
}

static void test_absent(void) {
    expect_fit("absent");
    expect_fit(NULL);
    CU_ASSERT_EQUAL(report.expected, AUDIT_ABSENT);
    expect_misfit("active", "records", "there is no bake");
    expect_misfit("parked", "records", "there is no bake");
    scratch_root_dir(&root, STATE_FOLDER);
    expect_misfit("absent", "records", STATE_FOLDER);
}

static void test_active(void) {
    baked_root_bake(&root);
    expect_fit("active");
    expect_fit(NULL);
    expect_said("dkms", AUDIT_FACT, "installed for " SMALL_KERNEL);
    expect_said("index", AUDIT_FACT, "modprobe finds baked_ours");
    expect_said("files", AUDIT_FACT, "a module of the bake");
    expect_said("loader", AUDIT_FACT, BAKED_LIBRARY);
    expect_said("loader", AUDIT_FACT, "a folder of the bake in ld.so.conf");
    expect_said("privileged", AUDIT_FACT, BAKED_PROGRAM);
    expect_said("config", AUDIT_FACT, BAKED_LOAD);
    expect_said("programs", AUDIT_FACT, BAKED_PROGRAM);
    expect_misfit("parked", "records", "the state is active");
    expect_misfit("absent", "records", "a bake of " BAKED_NAME);
}

/* An active bake is in each of these; parked it must be in none. */
static void test_active_is_not_parked(void) {
    static const char *const checks[] = {"records", "paths",  "dkms",       "index",
                                         "files",   "loader", "privileged", "programs"};
    baked_root_bake(&root);
    CU_ASSERT_EQUAL(audit("parked"), -EBADMSG);
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
        expect_said(checks[i], AUDIT_MISFIT, "");
}

static void test_parked(void) {
    baked_root_bake_parked(&root);
    expect_fit("parked");
    expect_fit(NULL);
    CU_ASSERT_EQUAL(report.expected, AUDIT_PARKED);
    for (size_t i = 0; i < report.count; i++)
        CU_ASSERT_EQUAL(report.items[i].weight, AUDIT_FACT);
    expect_misfit("active", "records", "the state is parked");
    expect_misfit("active", "index", "modprobe finds 0 of 1");
    expect_misfit("absent", "records", "a bake of " BAKED_NAME);
}

static void test_active_and_damaged(void) {
    baked_root_bake(&root);
    scratch_root_write(&root, BAKED_PROGRAM, "another program");
    expect_misfit("active", "paths", BAKED_PROGRAM);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_KERNEL_LINK)), 0);
    expect_misfit("active", "dkms", "not installed");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_LIBRARY)), 0);
    expect_misfit("active", "loader", "it is gone: run ldconfig");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, BAKED_FILE)), 0);
    expect_misfit("active", "index", "the index names updates/dkms/baked-ours.ko");
    scratch_root_run("depmod", "-b", root.path, SMALL_KERNEL, NULL);
    expect_misfit("active", "index", "modprobe finds 0 of 1");
    expect_misfit("active", "config", "dangling");
}

static void test_parked_and_not_whole(void) {
    baked_root_bake_parked(&root);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, stored(BAKED_LIBRARY))), 0);
    expect_misfit("parked", "paths", BAKED_LIBRARY);
}

static void test_privileges_in_the_store(void) {
    baked_root_bake_parked(&root);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, stored(BAKED_PROGRAM)), 02755), 0);
    expect_misfit("parked", "privileged", "setgid in the private store");
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, stored(BAKED_PROGRAM)), 0755), 0);
    scratch_root_run("setcap", "cap_net_raw+ep", scratch_root_host(&root, stored(BAKED_PROGRAM)),
                     NULL);
    expect_misfit("parked", "privileged", "a file capability");
}

static void test_parked_and_loadable(void) {
    baked_root_bake_parked(&root);
    scratch_root_copy(&root, SMALL_KERNEL_DIR "/extra/baked-ours.ko",
                      scratch_root_host(&root, stored(BAKED_FILE)));
    expect_misfit("parked", "files", "a module of the bake");
    CU_ASSERT_FALSE(has("index", AUDIT_MISFIT, ""));
    baked_root_refresh(&root);
    expect_misfit("parked", "index", "modprobe finds baked_ours");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, SMALL_KERNEL_DIR "/extra/baked-ours.ko")), 0);
    expect_misfit("parked", "index", "which is gone");
}

static void test_parked_and_reachable(void) {
    baked_root_bake_parked(&root);
    scratch_root_link(&root, "/usr/bin/helper", stored(BAKED_PROGRAM));
    expect_misfit("parked", "programs", "/usr/bin/helper");
    scratch_root_write(&root, "/etc/ld.so.conf.d/store.conf", PARKED_STORE "/usr/lib/baked\n");
    expect_misfit("parked", "loader", "it leads into the private store");
    scratch_root_write(&root, "/etc/ld.so.cache", "no cache");
    expect_misfit("parked", "loader", "damaged");
}

/* An alias is in a module's bytes: by any name it is loaded for it. */
static void test_copies_by_another_name(void) {
    baked_root_bake_parked(&root);
    scratch_root_copy(&root, SMALL_KERNEL_DIR "/extra/other_name.ko",
                      scratch_root_host(&root, stored(BAKED_FILE)));
    expect_misfit("parked", "files", "a module of the bake by another name");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, SMALL_KERNEL_DIR "/extra/other_name.ko")), 0);
    scratch_root_link(&root, SMALL_KERNEL_DIR "/kernel/x.ko", stored(BAKED_FILE));
    expect_misfit("parked", "files", "/kernel/x.ko");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, SMALL_KERNEL_DIR "/kernel/x.ko")), 0);
    expect_fit("parked");
}

/* One way into the store, found, and taken away again. */
static void expect_way(const char *check, const char *path, const char *target) {
    scratch_root_link(&root, path, target);
    expect_misfit("parked", check, path);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, path)), 0);
}

static void test_ways_into_the_store(void) {
    baked_root_bake_parked(&root);
    scratch_root_link(&root, "/opt/hop", stored(BAKED_PROGRAM));
    expect_way("programs", "/usr/bin/relative", "../../var/lib/prebake/store/parked/usr/bin/x");
    expect_way("programs", "/usr/sbin/hops", "/opt/hop");
    expect_way("programs", "/usr/bin/dangling", STATE_FOLDER "/store/nowhere/else");
    expect_way("programs", "/usr/local/bin", stored("/usr/bin"));
    expect_way("programs", "/usr/bin/itself", STATE_FOLDER);
    expect_way("loader", "/usr/lib/x86_64-linux-gnu/x.so", stored(BAKED_LIBRARY));
    expect_way("loader", "/usr/lib/x.so", "../../var/lib/prebake/store/parked" BAKED_LIBRARY);
    scratch_root_write(&root, "/etc/ld.so.conf.d/way.conf", "/usr/local/lib/way\n");
    expect_way("loader", "/usr/local/lib/way", stored("/usr/lib/baked"));
    scratch_root_link(&root, "/usr/local/lib/way", stored("/usr/lib/baked"));
    baked_root_refresh(&root);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, "/etc/ld.so.conf.d/way.conf")), 0);
    expect_misfit("parked", "loader", "/usr/local/lib/way");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, "/usr/local/lib/way")), 0);
    baked_root_refresh(&root);
    expect_fit("parked");
}

static void test_preloaded_libraries(void) {
    baked_root_bake_parked(&root);
    scratch_root_write(&root, "/etc/ld.so.preload", "# " PARKED_STORE "/x\nlibc.so /lib/x.so\n");
    expect_fit("parked");
    scratch_root_write(&root, "/etc/ld.so.preload", "libc.so:" PARKED_STORE BAKED_LIBRARY " # x");
    expect_misfit("parked", "loader", PARKED_STORE BAKED_LIBRARY);
    scratch_root_link(&root, "/usr/lib/y", PARKED_STORE BAKED_LIBRARY);
    scratch_root_write(&root, "/etc/ld.so.preload", "/usr/lib/y");
    expect_misfit("parked", "loader", "/etc/ld.so.preload names it");
}

static void test_dangling_configuration(void) {
    baked_root_bake_parked(&root);
    scratch_root_write(&root, "/etc/modprobe.d/x.conf", "options baked_ours a=1\n");
    expect_fit("parked");
    expect_said("config", AUDIT_FACT, "options names baked_ours");
    scratch_root_write(&root, "/etc/modprobe.d/y.conf",
                       "install any insmod " PARKED_STORE BAKED_FILE "\n");
    expect_misfit("parked", "config", "install any runs something of the private store");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, "/etc/modprobe.d/y.conf")), 0);
    scratch_root_write(&root, "/etc/modprobe.d/x.alias", "alias any baked_ours\n");
    expect_misfit("parked", "config", "/etc/modprobe.d/x.alias");
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, "/etc/modprobe.d/x.alias")), 0);
    scratch_root_write(&root, "/usr/lib/modules-load.d/x.conf", "baked_ours\n");
    expect_misfit("parked", "config", "/usr/lib/modules-load.d/x.conf");
}

/* A customer's driver in the places of a parked bake. */
static void test_somebody_elses(void) {
    baked_root_bake_parked(&root);
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/dkms/baked-ours.ko", NULL, "theirs",
                        NULL);
    scratch_root_link(&root, "/var/lib/dkms/" BAKED_NAME "/2.0/source", "/usr/src/x");
    scratch_root_write(&root, "/etc/modules-load.d/x.conf", "baked-ours\n");
    baked_root_refresh(&root);
    expect_fit("parked");
    expect_said("paths", AUDIT_FOREIGN, BAKED_FILE);
    expect_said("dkms", AUDIT_FOREIGN, BAKED_NAME "/2.0");
    expect_said("index", AUDIT_FOREIGN, "modprobe finds baked_ours");
    expect_said("files", AUDIT_FOREIGN, "somebody else's");
}

static void test_without_a_bake(void) {
    small_kernel_module(&root, SMALL_KERNEL_DIR "/updates/nvidia-uvm.ko", NULL, NULL, NULL);
    scratch_root_write(&root, "/etc/modules-load.d/x.conf", "nvidia-drm\n");
    scratch_root_link(&root, "/var/lib/dkms/nvidia-open/5.0/source", "/usr/src/x");
    scratch_root_write(&root, "/usr/bin/nvidia-modprobe", "a program");
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/usr/bin/nvidia-modprobe"), 04755), 0);
    baked_root_refresh(&root);
    expect_fit("absent");
    expect_said("index", AUDIT_FOREIGN, "modprobe finds nvidia_uvm");
    expect_said("files", AUDIT_FOREIGN, "nvidia-uvm.ko");
    expect_said("config", AUDIT_FOREIGN, "dangling");
    expect_said("dkms", AUDIT_FOREIGN, "nvidia-open/5.0");
    expect_said("privileged", AUDIT_FOREIGN, "nvidia-modprobe");
}

static void test_unfinished(void) {
    baked_root_bake(&root);
    scratch_root_write(&root, STATE_FOLDER_WORD, "tearing-down\n");
    CU_ASSERT_EQUAL(audit("absent"), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_INCOMPLETE);
    CU_ASSERT_TRUE(report.unfinished);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, STATE_FOLDER_FACTS)), 0);
    CU_ASSERT_EQUAL(audit(NULL), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_INCOMPLETE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "tearing-down"));
}

static void test_records_that_are_not_to_be_believed(void) {
    baked_root_bake(&root);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER_MANIFEST), 0666), 0);
    CU_ASSERT_NOT_EQUAL(audit("active"), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER_MANIFEST), 0644), 0);
    CU_ASSERT_EQUAL(unlink(scratch_root_host(&root, STATE_FOLDER_FACTS)), 0);
    CU_ASSERT_NOT_EQUAL(audit("active"), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, STATE_FOLDER), 0777), 0);
    CU_ASSERT_NOT_EQUAL(audit("absent"), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"absent", test_absent},
        {"active", test_active},
        {"active is not parked", test_active_is_not_parked},
        {"parked", test_parked},
        {"active and damaged", test_active_and_damaged},
        {"parked and not whole", test_parked_and_not_whole},
        {"privileges in the store", test_privileges_in_the_store},
        {"parked and loadable", test_parked_and_loadable},
        {"parked and reachable", test_parked_and_reachable},
        {"copies by another name", test_copies_by_another_name},
        {"ways into the store", test_ways_into_the_store},
        {"preloaded libraries", test_preloaded_libraries},
        {"dangling configuration", test_dangling_configuration},
        {"somebody else's", test_somebody_elses},
        {"without a bake", test_without_a_bake},
        {"unfinished", test_unfinished},
        {"records that are not to be believed", test_records_that_are_not_to_be_believed},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "audit", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
