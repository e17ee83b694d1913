#include "toolchain/kernel_headers.h"

#include <CUnit/Basic.h>
#include <elf.h>
#include <string.h>
#include <sys/utsname.h>

#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define INSTALLED "6.1.0-47-cloud-amd64" /* what scripts/install-deps installs */
#define K "1.2.3-test"
#define HEADERS "/usr/src/linux-headers-" K

/* A root with small headers for one kernel; a test breaks what it is about. */
static struct root root = ROOT_INIT;

static void add_kernel(const char *release) {
    AUTO_FREE char *link = NULL, *target = NULL, *include = NULL;
    if (asprintf(&link, "/lib/modules/%s/build", release) < 0 ||
        asprintf(&target, "/usr/src/linux-headers-%s", release) < 0 ||
        asprintf(&include, "%s/include", target) < 0)
        CU_FAIL_FATAL("out of memory");
    scratch_root_dir(&root, include);
    scratch_root_link(&root, link, target);
}

static void make_headers(void) {
    scratch_root_run("rm", "-rf", scratch_root_host(&root, "/lib"),
                     scratch_root_host(&root, "/usr"), NULL);
    add_kernel(K);
    scratch_root_write(&root, HEADERS "/include/generated/utsrelease.h",
                       "#define UTS_RELEASE \"" K "\"\n");
    scratch_root_write(&root, HEADERS "/include/generated/autoconf.h",
                       "#define CONFIG_SMP 1\n#define CONFIG_MODULE_UNLOAD 1\n");
    scratch_root_write(&root, HEADERS "/.config",
                       "CONFIG_X86_64=y\nCONFIG_CC_VERSION_TEXT=\"gcc-12 (X) 12.2.0\"\n");
    scratch_root_write(&root, HEADERS "/Module.symvers",
                       "0x00000001\tprintk\tvmlinux\tEXPORT_SYMBOL\t\n");
}

static int set_up(void) {
    scratch_root_make(&root);
    return 0;
}

static int tear_down(void) {
    scratch_root_remove(&root);
    return 0;
}

static void test_installed_headers_are_read(void) {
    AUTO_ROOT struct root host = ROOT_INIT;
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL_FATAL(root_open(&host, "/", &err), 0);
    CU_ASSERT_EQUAL_FATAL(kernel_headers_read(&host, INSTALLED, &headers, &err), 0);
    CU_ASSERT_STRING_EQUAL(headers.release, INSTALLED);
    CU_ASSERT_STRING_EQUAL(headers.build_dir, "/usr/src/linux-headers-" INSTALLED);
    CU_ASSERT_STRING_EQUAL(headers.vermagic, INSTALLED " SMP preempt mod_unload modversions ");
    CU_ASSERT_STRING_EQUAL(headers.machine, "x86_64");
    CU_ASSERT_EQUAL(headers.elf_machine, EM_X86_64);
    CU_ASSERT_STRING_EQUAL(headers.compiler, "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0");
    CU_ASSERT_STRING_EQUAL(headers.signature_hash, "sha256");
    CU_ASSERT_STRING_EQUAL(headers.compression, "none");
    CU_ASSERT_TRUE(headers.modversions);
    CU_ASSERT_FALSE(headers.signature_forced);
    CU_ASSERT_STRING_EQUAL(keyvalue_get(&headers.config, "CONFIG_MODULES"), "y");
    CU_ASSERT_PTR_NOT_NULL(strstr(buffer_string(&headers.symvers), "\tpci_enable_device\t"));
}

/* The build link is absolute: beneath a root it must lead to the root's own /usr/src. */
static void test_a_root_has_its_own_headers(void) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    struct error err = {0};
    make_headers();
    CU_ASSERT_EQUAL_FATAL(kernel_headers_read(&root, K, &headers, &err), 0);
    CU_ASSERT_STRING_EQUAL(headers.build_dir, HEADERS);
    CU_ASSERT_STRING_EQUAL(headers.vermagic, K " SMP mod_unload ");
    CU_ASSERT_STRING_EQUAL(headers.signature_hash, "");
    CU_ASSERT_FALSE(headers.modversions);
    /* The host has these, the root's link leads to a place that the root lacks. */
    scratch_root_link(&root, "/lib/modules/" INSTALLED "/build",
                      "/usr/src/linux-headers-" INSTALLED);
    AUTO_KERNEL_HEADERS struct kernel_headers none = {0};
    CU_ASSERT_EQUAL(kernel_headers_read(&root, INSTALLED, &none, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_HEADERS);
}

static void test_auto_conf_stands_in_for_config(void) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    struct error err = {0};
    make_headers();
    scratch_root_run("mkdir", scratch_root_host(&root, HEADERS "/include/config"), NULL);
    scratch_root_run("mv", scratch_root_host(&root, HEADERS "/.config"),
                     scratch_root_host(&root, HEADERS "/include/config/auto.conf"), NULL);
    CU_ASSERT_EQUAL(kernel_headers_read(&root, K, &headers, &err), 0);
    CU_ASSERT_STRING_EQUAL(headers.compiler, "gcc-12 (X) 12.2.0");
}

static void test_the_layout_seed_is_part_of_vermagic(void) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    struct error err = {0};
    make_headers();
    scratch_root_write(&root, HEADERS "/include/generated/autoconf.h",
                       "#define CONFIG_SMP 1\n#define CONFIG_RANDSTRUCT 1\n");
    CU_ASSERT_EQUAL(kernel_headers_read(&root, K, &headers, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    scratch_root_write(&root, HEADERS "/include/generated/randstruct_hash.h",
                       "#define RANDSTRUCT_HASHED_SEED \"0123abcd\"\n");
    CU_ASSERT_EQUAL(kernel_headers_read(&root, K, &headers, &err), 0);
    CU_ASSERT_STRING_EQUAL(headers.vermagic, K " SMP RANDSTRUCT_0123abcd");
}

static void test_missing_headers_name_the_package(void) {
    static const struct {
        const char *os_release, *package;
    } systems[] = {
        {"ID=debian\n", "the package linux-headers-9.9.9-x "},
        {"ID=ubuntu\nID_LIKE=debian\n", "the package linux-headers-9.9.9-x "},
        {"ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n", "the package kernel-devel-9.9.9-x "},
        {"ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "the package kernel-default-devel "},
    };
    make_headers();
    for (size_t i = 0; i < ARRAY_SIZE(systems); i++) {
        AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
        struct error err = {0};
        scratch_root_write(&root, "/etc/os-release", systems[i].os_release);
        CU_ASSERT_EQUAL(kernel_headers_read(&root, "9.9.9-x", &headers, &err), -ENOENT);
        CU_ASSERT_EQUAL(err.kind, ERROR_NO_HEADERS);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, systems[i].package));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "(headers are there for: " K ")"));
    }
}

static void test_headers_of_another_kernel_are_damaged(void) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    struct error err = {0};
    make_headers();
    scratch_root_link(&root, "/lib/modules/9.9.9-x/build", HEADERS);
    CU_ASSERT_EQUAL(kernel_headers_read(&root, "9.9.9-x", &headers, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "9.9.9-x"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, K));
}

static void test_a_missing_file_is_named(void) {
    static const char *const files[] = {"/include/generated/utsrelease.h",
                                        "/include/generated/autoconf.h", "/Module.symvers"};
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
        AUTO_FREE char *path = NULL;
        struct error err = {0};
        make_headers();
        CU_ASSERT_TRUE_FATAL(asprintf(&path, HEADERS "%s", files[i]) > 0);
        scratch_root_run("rm", scratch_root_host(&root, path), NULL);
        CU_ASSERT_EQUAL(kernel_headers_read(&root, K, &headers, &err), -ENOENT);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, files[i]));
        CU_ASSERT_PTR_NULL(headers.release);
    }
}

static void test_hostile_headers_do_not_hang_or_lead_out(void) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    struct error err = {0};
    make_headers();
    scratch_root_run("rm", scratch_root_host(&root, HEADERS "/.config"), NULL);
    scratch_root_run("mkfifo", scratch_root_host(&root, HEADERS "/.config"), NULL);
    CU_ASSERT_EQUAL(kernel_headers_read(&root, K, &headers, &err), -EINVAL);
    make_headers();
    scratch_root_write_bytes(&root, HEADERS "/Module.symvers", "a\0b", 3);
    CU_ASSERT_EQUAL(kernel_headers_read(&root, K, &headers, &err), -EBADMSG);
    make_headers();
    scratch_root_write(&root, HEADERS "/include/generated/utsrelease.h",
                       "#define UTS_RELEASE \"../../../etc\"\n");
    CU_ASSERT_EQUAL(kernel_headers_read(&root, K, &headers, &err), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    /* Out of the root, where such a file is: it must be looked for inside. */
    make_headers();
    scratch_root_link(&root, HEADERS "/.config", "/proc/self/environ");
    CU_ASSERT_EQUAL(kernel_headers_read(&root, K, &headers, &err), -ENOENT);
}

static void test_a_release_is_one_plain_name(void) {
    static const char *const names[] = {"", ".", "..", "../x", "a/b", "-x", "a b", "a\nb"};
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    make_headers();
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        struct error err = {0};
        CU_ASSERT_EQUAL(kernel_headers_read(&root, names[i], &headers, &err), -EINVAL);
        CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    }
}

static void test_only_kernels_with_headers_are_listed(void) {
    AUTO_STRLIST struct strlist releases = {0};
    struct error err = {0};
    make_headers();
    add_kernel("1.10.0");
    scratch_root_dir(&root, "/lib/modules/1.0.0-no-headers/kernel");
    scratch_root_link(&root, "/lib/modules/1.1.0-dangling/build", "/usr/src/gone");
    scratch_root_write(&root, "/lib/modules/a-file", "");
    CU_ASSERT_EQUAL(kernel_headers_list(&root, &releases, &err), 0);
    AUTO_FREE char *joined = strlist_join(&releases, " ");
    CU_ASSERT_STRING_EQUAL(joined, "1.10.0 " K);
}

static void test_the_only_kernel_is_chosen(void) {
    AUTO_FREE char *release = NULL;
    struct error err = {0};
    make_headers();
    CU_ASSERT_EQUAL(kernel_headers_choose(&root, &release, &err), 0);
    CU_ASSERT_STRING_EQUAL(release, K);
}

/* Not even the running kernel's headers decide for a root that is not the running system. */
static void test_of_several_none_is_guessed(void) {
    AUTO_FREE char *release = NULL;
    struct error err = {0};
    struct utsname host;
    make_headers();
    CU_ASSERT_EQUAL_FATAL(uname(&host), 0);
    add_kernel(host.release);
    CU_ASSERT_EQUAL(kernel_headers_choose(&root, &release, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, K));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, host.release));
    CU_ASSERT_PTR_NULL(release);
}

static void test_a_root_without_headers_says_so(void) {
    AUTO_FREE char *release = NULL;
    struct error err = {0};
    scratch_root_run("rm", "-rf", scratch_root_host(&root, "/lib"), NULL);
    CU_ASSERT_EQUAL(kernel_headers_choose(&root, &release, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NO_HEADERS);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"installed headers are read", test_installed_headers_are_read},
        {"a root has its own headers", test_a_root_has_its_own_headers},
        {"auto conf stands in for config", test_auto_conf_stands_in_for_config},
        {"the layout seed is part of vermagic", test_the_layout_seed_is_part_of_vermagic},
        {"missing headers name the package", test_missing_headers_name_the_package},
        {"headers of another kernel are damaged", test_headers_of_another_kernel_are_damaged},
        {"a missing file is named", test_a_missing_file_is_named},
        {"hostile headers do not hang or lead out", test_hostile_headers_do_not_hang_or_lead_out},
        {"a release is one plain name", test_a_release_is_one_plain_name},
        {"only kernels with headers are listed", test_only_kernels_with_headers_are_listed},
        {"the only kernel is chosen", test_the_only_kernel_is_chosen},
        {"of several none is guessed", test_of_several_none_is_guessed},
        {"a root without headers says so", test_a_root_without_headers_says_so},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "kernel_headers",
         .pInitFunc = set_up,
         .pCleanupFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
