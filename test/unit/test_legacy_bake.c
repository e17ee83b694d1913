#include "kmod/lifecycle/legacy_bake.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "test/unit/legacy_module.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

#define VERSION "580.126.09"
#define OTHER "550.163.01"
#define KERNEL "6.1.0-test"
#define UPDATES "/lib/modules/" KERNEL "/updates/dkms/"
#define LIBRARIES "/usr/bin/lib64/lib64/"
#define SYSTEM "/usr/lib/x86_64-linux-gnu/"

static struct root root;
static struct marker marker;
static struct legacy_bake bake;

static void set_up(void) {
    scratch_root_make(&root);
    marker = (struct marker){.kernel = (char *)KERNEL,
                             .driver_version = (char *)VERSION,
                             .driver_kind = (char *)"cuda",
                             .arch = (char *)"x86_64"};
}

static void tear_down(void) {
    legacy_bake_release(&bake);
    scratch_root_remove(&root);
}

static void look(void) {
    struct error err = {0};
    legacy_bake_release(&bake);
    CU_ASSERT_EQUAL(legacy_bake_find(&root, &marker, &bake, &err), 0);
    if (*err.text)
        fprintf(stderr, "%s\n", err.text);
}

static bool is_ours(const char *path) {
    return legacy_paths_find_ours(&bake.paths, path) != NULL;
}

static void write_elf(const char *path, const char *version) {
    AUTO_FREE char *source = NULL;
    const char *slash = strrchr(path, '/');
    AUTO_FREE char *folder = strndup(path, (size_t)(slash - path));
    if (!folder || asprintf(&source,
                            "#include <stdio.h>\nconst char v[] = \"driver %s\";\n"
                            "int main(void) { return puts(v) < 0; }\n",
                            version) < 0)
        abort();
    scratch_root_dir(&root, folder);
    scratch_root_compile(&root, path, source, NULL);
}

static void test_modules(void) {
    static const char *const names[] = {"nvidia.ko", "nvidia_modeset.ko", "nvidia-drm.ko",
                                        "nvidia-uvm.ko", "nvidia-peermem.ko"};
    static const char *const others[] = {"nvidia-fs.ko", "nvidiafb.ko", "nvidia-vgpu-vfio.ko",
                                         "nvidia.ko.customer-backup"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        AUTO_FREE char *path = NULL;
        CU_ASSERT(asprintf(&path, UPDATES "%s", names[i]) > 0);
        legacy_module_make(&root, path, VERSION, NULL);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        AUTO_FREE char *path = NULL;
        CU_ASSERT(asprintf(&path, UPDATES "%s", others[i]) > 0);
        legacy_module_make(&root, path, VERSION, NULL);
    }
    scratch_root_run("xz", "--check=crc32", scratch_root_host(&root, UPDATES "nvidia-drm.ko"),
                     NULL);
    scratch_root_run("gzip", scratch_root_host(&root, UPDATES "nvidia-uvm.ko"), NULL);
    legacy_module_make(&root, UPDATES "nvidia-peermem.ko", OTHER, NULL);
    legacy_module_make(&root, "/lib/modules/" KERNEL "/kernel/nvidia.ko", VERSION, NULL);
    look();
    CU_ASSERT(is_ours(UPDATES "nvidia.ko"));
    CU_ASSERT(is_ours(UPDATES "nvidia_modeset.ko"));
    CU_ASSERT(is_ours(UPDATES "nvidia-drm.ko.xz"));
    CU_ASSERT_FALSE(is_ours(UPDATES "nvidia-peermem.ko"));
    CU_ASSERT_EQUAL(bake.paths.count, 9);
    /* gzip is what Debian's libkmod can't read: then nothing is proven. */
    CU_ASSERT_EQUAL(bake.left, 3);
    CU_ASSERT_EQUAL(bake.foreign, 6);
}

static void test_linked_module(void) {
    legacy_module_make(&root, "/opt/nvidia.ko", VERSION, NULL);
    scratch_root_link(&root, UPDATES "nvidia.ko", "/opt/nvidia.ko");
    look();
    CU_ASSERT_EQUAL(bake.left, 0);
    CU_ASSERT_EQUAL(bake.foreign, 1);
}

static void test_libraries(void) {
    scratch_root_write(&root, LIBRARIES "libcuda.so." VERSION, "by its name");
    scratch_root_link(&root, LIBRARIES "libcuda.so.1", "libcuda.so." VERSION);
    scratch_root_link(&root, LIBRARIES "libcuda.so", "libcuda.so.1");
    scratch_root_link(&root, LIBRARIES "gbm/nvidia-drm_gbm.so", "../libcuda.so.1");
    scratch_root_link(&root, LIBRARIES "vdpau/libvdpau.so", SYSTEM "vdpau/libvdpau.so." VERSION);
    write_elf(LIBRARIES "libnvidia-wine.so", VERSION);
    write_elf(LIBRARIES "libother.so", OTHER);
    scratch_root_write(&root, LIBRARIES "notes", "about " VERSION);
    scratch_root_link(&root, LIBRARIES "libother.so.1", "libother.so");
    scratch_root_link(&root, LIBRARIES "loop", "loop");
    scratch_root_dir(&root, LIBRARIES "empty");
    look();
    CU_ASSERT(is_ours(LIBRARIES "libcuda.so." VERSION));
    CU_ASSERT(is_ours(LIBRARIES "gbm/nvidia-drm_gbm.so"));
    CU_ASSERT(is_ours(LIBRARIES "vdpau/libvdpau.so"));
    CU_ASSERT(is_ours(LIBRARIES "libnvidia-wine.so"));
    CU_ASSERT_EQUAL(bake.left, 7); /* with the empty folder */
    CU_ASSERT_EQUAL(bake.foreign, 4);
    const struct legacy_path *file =
        legacy_paths_find_ours(&bake.paths, LIBRARIES "libcuda.so." VERSION);
    const struct legacy_path *link = legacy_paths_find_ours(&bake.paths, LIBRARIES "libcuda.so.1");
    const struct legacy_path *chain = legacy_paths_find_ours(&bake.paths, LIBRARIES "libcuda.so");
    CU_ASSERT_FATAL(file && link && chain);
    CU_ASSERT(file->rank < link->rank && link->rank < chain->rank);
}

/* A copy is a file of the same bytes; a link is one when it leads to a copy. */
static void test_copies(void) {
    scratch_root_write(&root, LIBRARIES "liba.so." VERSION, "same");
    scratch_root_write(&root, SYSTEM "liba.so." VERSION, "same");
    scratch_root_link(&root, LIBRARIES "liba.so.1", "liba.so." VERSION);
    scratch_root_link(&root, LIBRARIES "liba.so", "liba.so.1");
    scratch_root_link(&root, SYSTEM "liba.so.1", "liba.so." OTHER);
    scratch_root_link(&root, SYSTEM "liba.so", "liba.so.1");
    scratch_root_write(&root, LIBRARIES "libb.so." VERSION, "same");
    scratch_root_write(&root, SYSTEM "libb.so." VERSION, "else");
    scratch_root_write(&root, SYSTEM "libc.so." VERSION, "not in the folder");
    look();
    CU_ASSERT(is_ours(SYSTEM "liba.so." VERSION));
    CU_ASSERT(is_ours(LIBRARIES "liba.so"));
    CU_ASSERT_FALSE(is_ours(SYSTEM "liba.so.1"));
    CU_ASSERT_FALSE(is_ours(SYSTEM "liba.so"));
    CU_ASSERT_FALSE(is_ours(SYSTEM "libb.so." VERSION));
    CU_ASSERT_FALSE(is_ours(SYSTEM "libc.so." VERSION));
    CU_ASSERT_EQUAL(bake.left, 5);
    /* The system's folder is no known place: what is there is not counted. */
    CU_ASSERT_EQUAL(bake.foreign, 0);
}

static void test_programs(void) {
    write_elf("/usr/bin/nvidia-smi", VERSION);
    write_elf("/usr/bin/nvidia-modprobe", OTHER);
    write_elf("/usr/bin/nvidia-installer", VERSION);
    write_elf("/usr/bin/nvidia-mine", VERSION);
    scratch_root_link(&root, "/usr/bin/nvidia-uninstall", "nvidia-installer");
    scratch_root_link(&root, "/usr/bin/nvidia-settings", "/etc/alternatives/nvidia-settings");
    scratch_root_write(&root, "/usr/bin/nvidia-powerd", "#!/bin/sh\n# wraps " VERSION "\n");
    scratch_root_write(&root, "/usr/bin/nvidia-sleep.sh", "#!/bin/sh\n# of " VERSION "\n");
    scratch_root_write(&root, "/usr/bin/nvidia-bug-report.sh", "#!/bin/sh\n");
    scratch_root_write(&root, "/etc/ld.so.conf.d/nvidia.conf", "/usr/bin/lib64\n");
    look();
    CU_ASSERT(is_ours("/usr/bin/nvidia-smi"));
    CU_ASSERT(is_ours("/usr/bin/nvidia-uninstall"));
    CU_ASSERT(is_ours("/usr/bin/nvidia-sleep.sh"));
    CU_ASSERT(is_ours("/etc/ld.so.conf.d/nvidia.conf"));
    CU_ASSERT_FALSE(is_ours("/usr/bin/nvidia-mine"));
    CU_ASSERT_EQUAL(bake.left, 5);
    CU_ASSERT_EQUAL(bake.foreign, 4);
    scratch_root_write(&root, "/etc/ld.so.conf.d/nvidia.conf", "/usr/bin/lib64\n/opt/mine\n");
    look();
    CU_ASSERT_FALSE(is_ours("/etc/ld.so.conf.d/nvidia.conf"));
    CU_ASSERT_EQUAL(bake.foreign, 5);
}

/* Proven by the installer's log: what carries no version and what no list of names knows. */
static void test_installer_log(void) {
    scratch_root_write(&root, "/var/lib/nvidia/log",
                       "1.0-58012609 (" VERSION ")\nNVIDIA\n1: /usr/bin/nvidia-new\n58124007\n"
                       "1: " SYSTEM "libEGL.so.1.1.0\n58124007\n1: /usr/bin/nvidia-smi\n7\n");
    scratch_root_write(&root, "/usr/bin/nvidia-new", "123456789");
    scratch_root_write(&root, "/usr/bin/nvidia-smi", "123456789");
    scratch_root_write(&root, LIBRARIES "libEGL.so.1.1.0", "123456789");
    look();
    CU_ASSERT(is_ours("/usr/bin/nvidia-new"));
    CU_ASSERT(is_ours(LIBRARIES "libEGL.so.1.1.0"));
    CU_ASSERT_FALSE(is_ours("/usr/bin/nvidia-smi"));
    CU_ASSERT_EQUAL(bake.foreign, 1);
}

static void test_packages(void) {
    write_elf("/usr/bin/nvidia-smi", VERSION);
    write_elf("/usr/bin/nvidia-modprobe", VERSION);
    legacy_module_make(&root, UPDATES "nvidia.ko", VERSION, NULL);
    scratch_root_write(&root, "/var/lib/dkms/nvidia/" VERSION "/" KERNEL "/x86_64/log/make.log",
                       "");
    scratch_root_write(&root, "/usr/src/nvidia-" VERSION "/dkms.conf", "");
    scratch_root_write(&root, "/var/lib/dpkg/info/smi.list", "/usr/bin/nvidia-smi\n");
    look();
    CU_ASSERT_FALSE(is_ours("/usr/bin/nvidia-smi"));
    CU_ASSERT(is_ours("/usr/bin/nvidia-modprobe"));
    CU_ASSERT(bake.registered);
    CU_ASSERT(is_ours(UPDATES "nvidia.ko"));
    CU_ASSERT_EQUAL(bake.foreign, 1);
    scratch_root_write(&root, "/var/lib/dpkg/info/dkms.list",
                       "/usr/src/nvidia-" VERSION "/dkms.conf\n");
    look();
    CU_ASSERT_FALSE(bake.registered);
    CU_ASSERT(bake.packaged);
    CU_ASSERT_FALSE(is_ours(UPDATES "nvidia.ko"));
    CU_ASSERT_EQUAL(bake.foreign, 3);
}

static void test_other_versions(void) {
    scratch_root_dir(&root, "/var/lib/dkms/nvidia/" OTHER "/" KERNEL);
    scratch_root_dir(&root, "/var/lib/dkms/nvidia/original_module");
    scratch_root_link(&root, "/var/lib/dkms/nvidia/kernel-" KERNEL "-x86_64", OTHER "/x");
    look();
    CU_ASSERT_FALSE(bake.registered);
    CU_ASSERT_EQUAL(bake.left, 0);
    CU_ASSERT_EQUAL(bake.foreign, 1);
}

static void test_markers_that_prove_nothing(void) {
    static const char *const versions[] = {"", "1.0", "580"};
    write_elf("/usr/bin/nvidia-smi", VERSION);
    for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
        struct error err = {0};
        marker.driver_version = (char *)versions[i];
        CU_ASSERT_EQUAL(legacy_bake_find(&root, &marker, &bake, &err), -EINVAL);
        CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "driver_version"));
    }
}

static void test_empty_root(void) {
    look();
    CU_ASSERT_EQUAL(bake.left, 0);
    CU_ASSERT_EQUAL(bake.foreign, 0);
    CU_ASSERT_EQUAL(bake.kernels.count, 0);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"modules by their own version", test_modules},
        {"a linked module is foreign", test_linked_module},
        {"libraries and links", test_libraries},
        {"copies of libraries", test_copies},
        {"programs and configuration", test_programs},
        {"the installer's log", test_installer_log},
        {"what packages own", test_packages},
        {"other versions in the DKMS tree", test_other_versions},
        {"markers that prove nothing", test_markers_that_prove_nothing},
        {"an empty root", test_empty_root},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "legacy_bake", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL};
    return run_suites(suites);
}
