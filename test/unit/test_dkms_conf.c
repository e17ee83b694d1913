#include "toolchain/dkms_conf.h"

#include <CUnit/Basic.h>
#include <string.h>
#include <sys/stat.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "toolchain/dkms_conf_eval.h"

/* /source is the source tree; the root is the target, with its /etc/dkms. */
static struct root root = ROOT_INIT;
static struct kernel_headers headers;

#define RELEASE "6.1.0-47-cloud-amd64"
#define CONFIG                                                                                     \
    "CONFIG_MODULES=y\nCONFIG_DRM=m\n# CONFIG_PREEMPT_RT is not set\nCONFIG_LOCALVERSION=\"\"\n"

static const char MINIMAL[] = "PACKAGE_NAME=demo\nPACKAGE_VERSION=1.0\n"
                              "BUILT_MODULE_NAME=demo\nDEST_MODULE_LOCATION=/updates\n";

static int set_up(void) {
    struct error err = {0};
    scratch_root_make(&root);
    scratch_root_dir(&root, "/source");
    headers = (struct kernel_headers){.release = strdup(RELEASE), .machine = strdup("x86_64")};
    return keyvalue_parse(CONFIG, strlen(CONFIG), "config", false, &headers.config, &err);
}

static int tear_down(void) {
    keyvalue_release(&headers.config);
    free(headers.release);
    free(headers.machine);
    scratch_root_remove(&root);
    return 0;
}

static int read_here(const char *text, struct dkms_conf *conf, struct error *err) {
    scratch_root_write(&root, "/source/dkms.conf", text);
    return dkms_conf_read(&root, scratch_root_host(&root, "/source"), &headers, 4, conf, err);
}

/* MINIMAL and more. */
static int read_more(const char *more, struct dkms_conf *conf, struct error *err) {
    AUTO_FREE char *text = NULL;
    if (asprintf(&text, "%s%s", MINIMAL, more) < 0)
        return -ENOMEM;
    return read_here(text, conf, err);
}

static bool has_warning(const struct dkms_conf *conf, const char *part) {
    for (size_t i = 0; i < conf->warnings.count; i++)
        if (strstr(conf->warnings.items[i], part))
            return true;
    return false;
}

static void test_the_least_gets_dkms_defaults(void) {
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(read_here(MINIMAL, &conf, &err), 0);
    CU_ASSERT_STRING_EQUAL(conf.name, "demo");
    CU_ASSERT_STRING_EQUAL(conf.version, "1.0");
    CU_ASSERT_STRING_EQUAL(conf.make, "make -j4 KERNELRELEASE=" RELEASE " -C /lib/modules/" RELEASE
                                      "/build M=/var/lib/dkms/demo/1.0/build");
    CU_ASSERT_EQUAL(conf.module_count, 1);
    CU_ASSERT_STRING_EQUAL(conf.modules[0].built_name, "demo");
    CU_ASSERT_STRING_EQUAL(conf.modules[0].built_location, "");
    CU_ASSERT_STRING_EQUAL(conf.modules[0].dest_name, "demo");
    CU_ASSERT_STRING_EQUAL(conf.modules[0].dest_location, "/updates");
    CU_ASSERT_TRUE(conf.modules[0].strip);
    CU_ASSERT_FALSE(conf.autoinstall);
    CU_ASSERT_PTR_NULL(conf.excluded);
    CU_ASSERT_STRING_EQUAL(conf.pre_build, "");
    CU_ASSERT_EQUAL(conf.warnings.count + conf.ignored_scripts.count + conf.patches.count, 0);
}

static void test_dkms_variables_are_there(void) {
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(read_more("MAKE=\"x $kernelver $arch $kernel_source_dir $dkms_tree "
                              "$source_tree $module $module_version $parallel_jobs\"\n",
                              &conf, &err),
                    0);
    CU_ASSERT_STRING_EQUAL(conf.make, "x " RELEASE " x86_64 /lib/modules/" RELEASE
                                      "/build /var/lib/dkms /usr/src demo 1.0 4");
}

/* dkms reads values a second time, between double quotes, and in words. */
static void test_values_are_evaluated_twice(void) {
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(read_more("MAKE='make   K=$kernelver \"X=1\"  * '\n", &conf, &err), 0);
    CU_ASSERT_STRING_EQUAL(conf.make, "make -j4 KERNELRELEASE=" RELEASE " K=" RELEASE " X=1 *");
}

static void test_make_is_chosen_by_kernel(void) {
    static const struct {
        const char *text, *make;
    } cases[] = {
        {"MAKE[0]='a'\nMAKE[1]='b'\nMAKE_MATCH[1]='^6\\.1'\n", "b"},
        {"MAKE[0]='a'\nMAKE[1]='b'\nMAKE_MATCH[1]='^5\\.'\n", "a"},
        {"MAKE[0]='a'\nMAKE[1]='b'\nMAKE[2]='c'\nMAKE_MATCH[1]='6'\nMAKE_MATCH[2]='6.*cloud'\n",
         "c"},
        {"MAKE[0]='a'\nMAKE_MATCH[0]='^6'\n", "a"},
        {"MAKE[0]='env A=1 make'\n", "env A=1 make"},
        {"MAKE[0]='makefoo all'\n", "make -j4 KERNELRELEASE=" RELEASE "foo all"},
        {"MAKE[0]='a'\nMAKE_MATCH[0]='('\n", /* no expression: matches nothing */
         "make -j4 KERNELRELEASE=" RELEASE " -C /lib/modules/" RELEASE
         "/build M=/var/lib/dkms/demo/1.0/build"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_DKMS_CONF struct dkms_conf conf = {0};
        struct error err = {0};
        CU_ASSERT_EQUAL(read_more(cases[i].text, &conf, &err), 0);
        CU_ASSERT_STRING_EQUAL(conf.make ? conf.make : "", cases[i].make);
    }
}

static void test_records_follow_dkms_rules(void) {
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(read_here("PACKAGE_NAME=demo\nPACKAGE_VERSION=1.0\n"
                              "BUILT_MODULE_NAME[0]=a\nBUILT_MODULE_NAME[1]=b\n"
                              "BUILT_MODULE_NAME[2]=c\n"
                              "BUILT_MODULE_LOCATION[1]=sub/dir\nBUILT_MODULE_LOCATION[2]=./\n"
                              "DEST_MODULE_NAME[1]=$PACKAGE_NAME-b\n"
                              "DEST_MODULE_LOCATION[0]=/kernel/drivers/x\n"
                              "DEST_MODULE_LOCATION[1]=/extra\nDEST_MODULE_LOCATION[2]=/updates\n"
                              "STRIP[0]=no\nSTRIP[1]=yes\nAUTOINSTALL=yes\n",
                              &conf, &err),
                    0);
    CU_ASSERT_EQUAL(conf.module_count, 3);
    CU_ASSERT_STRING_EQUAL(conf.modules[1].built_location, "sub/dir/");
    CU_ASSERT_STRING_EQUAL(conf.modules[2].built_location, "./");
    CU_ASSERT_STRING_EQUAL(conf.modules[1].dest_name, "demo-b");
    CU_ASSERT_STRING_EQUAL(conf.modules[0].dest_location, "/kernel/drivers/x");
    CU_ASSERT_FALSE(conf.modules[0].strip);
    CU_ASSERT_TRUE(conf.modules[1].strip);
    CU_ASSERT_FALSE(conf.modules[2].strip); /* as the first */
    CU_ASSERT_TRUE(conf.autoinstall);
}

static void test_one_record_may_leave_its_name_out(void) {
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(
        read_here("PACKAGE_NAME=demo\nPACKAGE_VERSION=1.0\nDEST_MODULE_LOCATION=/extra\n", &conf,
                  &err),
        0);
    CU_ASSERT_STRING_EQUAL(conf.modules[0].built_name, "demo");
}

static void test_what_dkms_refuses_is_refused(void) {
    static const struct {
        const char *text, *said;
    } cases[] = {
        {"", "PACKAGE_NAME"},
        {"PACKAGE_NAME=demo\n", "PACKAGE_VERSION"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\n", "DEST_MODULE_LOCATION"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=a\n", "DEST_MODULE_LOCATION"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nDEST_MODULE_LOCATION[0]=/extra\n"
         "DEST_MODULE_LOCATION[1]=/extra\n",
         "BUILT_MODULE_NAME"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=a.ko\n"
         "DEST_MODULE_LOCATION=/extra\n",
         "ends in .o or .ko"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=a\nDEST_MODULE_NAME=b.o\n"
         "DEST_MODULE_LOCATION=/extra\n",
         "ends in .o or .ko"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=a\nDEST_MODULE_LOCATION=/lib\n",
         "/kernel, /updates or /extra"},
        /* and what would lead out of the folders that are named after it */
        {"PACKAGE_NAME=../demo\nPACKAGE_VERSION=1\n", "PACKAGE_NAME"},
        {"PACKAGE_NAME=..\nPACKAGE_VERSION=1\n", "PACKAGE_NAME"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1/2\n", "PACKAGE_VERSION"},
        {"PACKAGE_NAME='a b'\nPACKAGE_VERSION=1\n", "PACKAGE_NAME"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=../a\n"
         "DEST_MODULE_LOCATION=/extra\n",
         "BUILT_MODULE_NAME"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=a\n"
         "BUILT_MODULE_LOCATION=x/../..\nDEST_MODULE_LOCATION=/extra\n",
         "BUILT_MODULE_LOCATION"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=a\n"
         "BUILT_MODULE_LOCATION=/etc\nDEST_MODULE_LOCATION=/extra\n",
         "BUILT_MODULE_LOCATION"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=a\n"
         "DEST_MODULE_LOCATION=/extra/../..\n",
         "DEST_MODULE_LOCATION"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=a\nDEST_MODULE_NAME=b/c\n"
         "DEST_MODULE_LOCATION=/extra\n",
         "DEST_MODULE_NAME"},
        {"PACKAGE_NAME=demo\nPACKAGE_VERSION=1\nBUILT_MODULE_NAME=(a b)\nDEST_MODULE_NAME=(c c)\n"
         "DEST_MODULE_LOCATION=(/extra /extra)\n",
         "another record"},
        {"declare -A MAKE; MAKE[x]=y\n", "can't be read"},
        {"exit 0\n", "ends the shell"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct dkms_conf conf = {0};
        struct error err = {0};
        CU_ASSERT_NOT_EQUAL(read_here(cases[i].text, &conf, &err), 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "dkms.conf"));
        if (!strstr(err.text, cases[i].said)) {
            CU_FAIL("another sentence");
            fprintf(stderr, "%s: not about %s\n", err.text, cases[i].said);
        }
        CU_ASSERT_PTR_NULL(conf.name);
    }
}

static void test_exclusions_are_told(void) {
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"BUILD_EXCLUSIVE_KERNEL='^(5|6)\\.'\n", NULL},
        {"BUILD_EXCLUSIVE_KERNEL='^5\\.'\n", "BUILD_EXCLUSIVE_KERNEL=\"^5\\.\""},
        {"BUILD_EXCLUSIVE_ARCH='x86_64|aarch64'\n", NULL},
        {"BUILD_EXCLUSIVE_ARCH='aarch64'\n", "BUILD_EXCLUSIVE_ARCH"},
        {"BUILD_EXCLUSIVE_CONFIG='CONFIG_DRM !CONFIG_PREEMPT_RT'\n", NULL},
        {"BUILD_EXCLUSIVE_CONFIG='!CONFIG_DRM'\n", "without CONFIG_DRM"},
        {"BUILD_EXCLUSIVE_CONFIG='CONFIG_MODULES CONFIG_VIDEO_DEV'\n", "with CONFIG_VIDEO_DEV"},
        {"BUILD_EXCLUSIVE_CONFIG='CONFIG_LOCALVERSION'\n", "with CONFIG_LOCALVERSION"},
        {"BUILD_EXCLUSIVE_KERNEL_MIN='6.1'\nBUILD_EXCLUSIVE_KERNEL_MAX='6.9'\n", NULL},
        {"BUILD_EXCLUSIVE_KERNEL_MIN='6.10'\n", "BUILD_EXCLUSIVE_KERNEL_MIN"},
        {"BUILD_EXCLUSIVE_KERNEL_MAX='5.19'\n", "BUILD_EXCLUSIVE_KERNEL_MAX"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        AUTO_DKMS_CONF struct dkms_conf conf = {0};
        struct error err = {0};
        CU_ASSERT_EQUAL(read_more(cases[i].text, &conf, &err), 0);
        CU_ASSERT_EQUAL(conf.excluded == NULL, cases[i].why == NULL);
        CU_ASSERT_TRUE(!cases[i].why || (conf.excluded && strstr(conf.excluded, cases[i].why)));
    }
}

static void test_patches_scripts_and_depends(void) {
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(read_more("PATCH[0]=a.patch\nPATCH[1]=b.patch\nPATCH[2]=c.patch\n"
                              "PATCH_MATCH[1]='^5'\nPATCH_MATCH[2]='^6'\n"
                              "PRE_BUILD='pre.sh a b'\nPOST_BUILD=post.sh\nPOST_INSTALL=i.sh\n"
                              "POST_ADD=a.sh\nBUILD_DEPENDS='zfs spl'\nBUILD_DEPENDS[1]=x\n",
                              &conf, &err),
                    0);
    AUTO_FREE char *patches = strlist_join(&conf.patches, " ");
    AUTO_FREE char *scripts = strlist_join(&conf.ignored_scripts, " ");
    AUTO_FREE char *depends = strlist_join(&conf.build_depends, " ");
    CU_ASSERT_STRING_EQUAL(patches, "a.patch c.patch");
    CU_ASSERT_STRING_EQUAL(scripts, "POST_INSTALL=i.sh POST_ADD=a.sh");
    CU_ASSERT_STRING_EQUAL(depends, "zfs spl x");
    CU_ASSERT_STRING_EQUAL(conf.pre_build, "pre.sh a b");
    CU_ASSERT_STRING_EQUAL(conf.post_build, "post.sh");
}

static void test_warnings_name_what_has_no_effect(void) {
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(read_more("CLEAN='make clean'\nREMAKE_INITRD=no\nBUILD_EXLUSIVE_KERNEL=x\n"
                              "helper=1\nCONFIG_X=y\necho noise; echo trouble >&2\n",
                              &conf, &err),
                    0);
    CU_ASSERT_EQUAL(conf.warnings.count, 3);
    CU_ASSERT_TRUE(has_warning(&conf, "CLEAN, REMAKE_INITRD is read and has no effect"));
    CU_ASSERT_TRUE(has_warning(&conf, "BUILD_EXLUSIVE_KERNEL is not a directive"));
    CU_ASSERT_TRUE(has_warning(&conf, "dkms.conf says: trouble"));
}

static void test_output_does_not_confuse(void) {
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(read_more("printf 'x\\0PACKAGE_NAME\\0000\\0evil\\0\\0'\n"
                              "set -eu; IFS=x; set -- a b\n",
                              &conf, &err),
                    0);
    CU_ASSERT_STRING_EQUAL(conf.name, "demo");
}

static void test_overrides_of_the_root_count(void) {
    scratch_root_write(&root, "/etc/dkms/demo.conf", "MAKE='first'\nAUTOINSTALL=yes\n");
    scratch_root_write(&root, "/etc/dkms/demo-1.0.conf", "MAKE=\"$MAKE second\"\n");
    scratch_root_write(&root, "/etc/dkms/demo-1.0-" RELEASE ".conf", "MAKE=\"$MAKE third\"\n");
    scratch_root_write(&root, "/etc/dkms/demo-1.0-" RELEASE "-x86_64.conf",
                       "MAKE=\"$MAKE $module\"\n");
    scratch_root_write(&root, "/etc/dkms/framework.conf", "dkms_tree=/elsewhere\nMAKE=wrong\n");
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(read_more("", &conf, &err), 0);
    CU_ASSERT_STRING_EQUAL(conf.make, "first second third demo");
    CU_ASSERT_TRUE(conf.autoinstall);
    scratch_root_write(&root, "/etc/dkms/demo.conf", "PACKAGE_VERSION=2.0\n");
    dkms_conf_release(&conf);
    CU_ASSERT_NOT_EQUAL(read_more("", &conf, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "changes the name or version"));
    scratch_root_run("rm", "-r", scratch_root_host(&root, "/etc/dkms"), NULL);
}

/* A checkout made under umask 077 is read as dkms reads it. */
static void test_a_private_tree_is_read(void) {
    scratch_root_write(&root, "/source/part", "AUTOINSTALL=yes\n");
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/source"), 0700), 0);
    AUTO_DKMS_CONF struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(read_more(". ${BASH_SOURCE%/*}/part\n", &conf, &err), 0);
    CU_ASSERT_TRUE(conf.autoinstall);
    CU_ASSERT_EQUAL(chmod(scratch_root_host(&root, "/source"), 0755), 0);
}

static void test_a_missing_one_is_told(void) {
    scratch_root_dir(&root, "/empty");
    struct dkms_conf conf = {0};
    struct error err = {0};
    CU_ASSERT_NOT_EQUAL(
        dkms_conf_read(&root, scratch_root_host(&root, "/empty"), &headers, 1, &conf, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no dkms.conf"));
}

/* It can't write, and what it leaves running does not go on. */
static void test_it_can_do_no_harm(void) {
    struct dkms_conf conf = {0};
    struct error err = {0};
    const char *victim = scratch_root_host(&root, "/victim");
    scratch_root_dir(&root, "/victim");
    CU_ASSERT_EQUAL(chmod(victim, 0777), 0);
    AUTO_FREE char *more = NULL;
    CU_ASSERT_TRUE(asprintf(&more, "touch %s/a ${BASH_SOURCE%%/*}/b\n(sleep 1; touch %s/c) &\n",
                            victim, victim) > 0);
    CU_ASSERT_EQUAL(read_more(more, &conf, &err), 0);
    CU_ASSERT_NOT_EQUAL(access(scratch_root_host(&root, "/victim/a"), F_OK), 0);
    CU_ASSERT_NOT_EQUAL(access(scratch_root_host(&root, "/source/b"), F_OK), 0);
    dkms_conf_release(&conf);
}

static void test_an_endless_one_is_stopped(void) {
    AUTO_DKMS_CONF_VIEW struct dkms_conf_view *view = NULL;
    struct dkms_shell shell = {.release = RELEASE,
                               .machine = "x86_64",
                               .module = "",
                               .module_version = "",
                               .jobs = 1,
                               .time_limit = "1"};
    struct dkms_values values = {0};
    struct error err = {0};
    scratch_root_write(&root, "/source/dkms.conf",
                       "trap '' TERM INT ALRM\nwhile :; do sleep 1; done\n");
    CU_ASSERT_EQUAL(dkms_conf_view_open(&root, scratch_root_host(&root, "/source"), &view, &err),
                    0);
    CU_ASSERT_EQUAL(dkms_conf_eval(view, &shell, &values, &err), -ETIMEDOUT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "1 seconds"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"the least gets dkms' defaults", test_the_least_gets_dkms_defaults},
        {"dkms' variables are there", test_dkms_variables_are_there},
        {"values are evaluated twice", test_values_are_evaluated_twice},
        {"make is chosen by kernel", test_make_is_chosen_by_kernel},
        {"records follow dkms' rules", test_records_follow_dkms_rules},
        {"one record may leave its name out", test_one_record_may_leave_its_name_out},
        {"what dkms refuses is refused", test_what_dkms_refuses_is_refused},
        {"exclusions are told", test_exclusions_are_told},
        {"patches, scripts and depends", test_patches_scripts_and_depends},
        {"warnings name what has no effect", test_warnings_name_what_has_no_effect},
        {"output does not confuse", test_output_does_not_confuse},
        {"overrides of the root count", test_overrides_of_the_root_count},
        {"a private tree is read", test_a_private_tree_is_read},
        {"a missing one is told", test_a_missing_one_is_told},
        {"it can do no harm", test_it_can_do_no_harm},
        {"an endless one is stopped", test_an_endless_one_is_stopped},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "dkms_conf", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
