#include "toolchain/archive.h"

#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_archive.h"
#include "test/unit/scratch_root.h"

/* /into is unpacked to; /victim stands for everything else on the machine. */
static struct root root = ROOT_INIT;

static int set_up(void) {
    scratch_root_make(&root);
    scratch_root_write(&root, "/victim/file", "untouched");
    return 0;
}

static int tear_down(void) {
    scratch_root_remove(&root);
    return 0;
}

static int fresh_folder(void) {
    struct error err = {0};
    int fd = -1;
    if (tree_remove(root.fd, "into", &err))
        fprintf(stderr, "%s\n", err.text);
    scratch_root_dir(&root, "/into");
    if (root_open_dir(&root, "/into", &fd, &err))
        fprintf(stderr, "%s\n", err.text);
    return fd;
}

static int unpack_path(const char *path, const struct archive_limits *limits, struct error *err) {
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO_CLOSE int into = fresh_folder();
    return limits ? archive_unpack_within(fd, "x.tar", limits, into, err)
                  : archive_unpack(fd, "x.tar", into, err);
}

static int unpack(const struct buffer *archive, const struct archive_limits *limits,
                  struct error *err) {
    scratch_root_write_bytes(&root, "/x.tar", archive->data, archive->size);
    return unpack_path(scratch_root_host(&root, "/x.tar"), limits, err);
}

static void list(const char *path, struct buffer *out) {
    struct error err = {0};
    AUTO_CLOSE int fd = -1;
    CU_ASSERT_EQUAL(root_open_dir(&root, path, &fd, &err), 0);
    scratch_archive_list(fd, out);
}

static bool victim_is_untouched(void) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_STRLIST struct strlist names = {0};
    struct error err = {0};
    struct stat st;
    return !file_read(&root, "/victim/file", 100, &text, &err) &&
           !strcmp(buffer_string(&text), "untouched") &&
           !root_list(&root, "/victim", &names, &err) && names.count == 1 &&
           !root_stat(&root, "/victim/file", &st) && st.st_nlink == 1 &&
           (st.st_mode & 07777) == 0644;
}

static bool unpacks_as_dpkg_does(const char *package) {
    AUTO_BUFFER struct buffer ours = {0}, theirs = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(tree_remove(root.fd, "dpkg", &err), 0);
    scratch_root_dir(&root, "/dpkg");
    scratch_root_run("dpkg-deb", "-x", package, scratch_root_host(&root, "/dpkg"), NULL);
    if (unpack_path(package, NULL, &err))
        fprintf(stderr, "%s\n", err.text);
    list("/into", &ours);
    list("/dpkg", &theirs);
    return theirs.size > 100 && !strcmp(buffer_string(&ours), buffer_string(&theirs));
}

static void test_real_packages_unpack_as_dpkg_does(void) {
    CU_ASSERT_TRUE(unpacks_as_dpkg_does(scratch_archive_package("nvidia-open-kernel-dkms_535*")));
    CU_ASSERT_TRUE(unpacks_as_dpkg_does(scratch_archive_package("nvidia-kernel-dkms_535*")));
    CU_ASSERT_TRUE(unpacks_as_dpkg_does(scratch_archive_package("v4l2loopback-dkms_*")));
}

/* It is no source, and it has links with absolute targets: /usr/src/… */
static void test_a_package_with_absolute_links_is_refused(void) {
    struct error err = {0};
    const char *package = scratch_archive_package("linux-headers-6.1.0-*-cloud-amd64_*");
    CU_ASSERT_EQUAL(unpack_path(package, NULL, &err), -EPERM);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "lib/modules/6.1.0-"));
}

static void fill_honest(struct buffer *tar) {
    static const struct scratch_entry entries[] = {
        {.type = '5', .path = "./"},
        {.type = '5', .path = "./source/", .mode = 0750},
        {.type = '0', .path = "./source/run.sh", .text = "#!/bin/sh\n", .mode = 06757},
        {.type = '2', .path = "./source/link", .text = "../source/run.sh"},
        {.type = '1', .path = "./source/again", .text = "./source/run.sh"},
        {.type = '0', .path = "no/parent/\303\266", .text = ""},
        {.type = '5', .path = "no/parent", .mode = 0700},
    };
    for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
        scratch_archive_add(tar, &entries[i]);
    scratch_archive_end(tar);
}

static void check_honest(void) {
    struct stat file, again, link, directory, implied;
    CU_ASSERT_EQUAL(root_stat(&root, "/into/source/run.sh", &file), 0);
    CU_ASSERT_EQUAL(file.st_mode, S_IFREG | 0755);
    CU_ASSERT_EQUAL(file.st_uid, geteuid());
    CU_ASSERT_EQUAL(file.st_mtime, SCRATCH_ARCHIVE_TIME);
    CU_ASSERT_EQUAL(file.st_size, 10);
    CU_ASSERT_EQUAL(root_stat(&root, "/into/source/again", &again), 0);
    CU_ASSERT_EQUAL(again.st_ino, file.st_ino);
    CU_ASSERT_EQUAL(root_stat(&root, "/into/source/link", &link), 0);
    CU_ASSERT_TRUE(S_ISLNK(link.st_mode));
    CU_ASSERT_EQUAL(link.st_mtime, SCRATCH_ARCHIVE_TIME);
    CU_ASSERT_EQUAL(root_stat(&root, "/into/source", &directory), 0);
    CU_ASSERT_EQUAL(directory.st_mode, S_IFDIR | 0750);
    CU_ASSERT_EQUAL(directory.st_mtime, SCRATCH_ARCHIVE_TIME);
    CU_ASSERT_EQUAL(root_stat(&root, "/into/no", &implied), 0);
    CU_ASSERT_EQUAL(implied.st_mode, S_IFDIR | 0755);
    CU_ASSERT_EQUAL(root_stat(&root, "/into/no/parent", &directory), 0);
    CU_ASSERT_EQUAL(directory.st_mode, S_IFDIR | 0700);
    CU_ASSERT_TRUE(root_exists(&root, "/into/no/parent/\303\266"));
}

static void test_modes_times_and_links_are_kept(void) {
    AUTO_BUFFER struct buffer tar = {0};
    struct error err = {0};
    fill_honest(&tar);
    mode_t before = umask(0077);
    CU_ASSERT_EQUAL(unpack(&tar, NULL, &err), 0);
    umask(before);
    check_honest();
}

static void test_holes_become_zeros(void) {
    AUTO_BUFFER struct buffer before = {0}, after = {0};
    struct error err = {0};
    scratch_root_write(&root, "/holes/file", "x");
    scratch_root_run("truncate", "-s", "1M", scratch_root_host(&root, "/holes/file"), NULL);
    scratch_root_run("touch", "-d", "2001-01-01", scratch_root_host(&root, "/holes/file"), NULL);
    scratch_root_run("tar", "-S", "-C", scratch_root_host(&root, "/holes"), "-cf",
                     scratch_root_host(&root, "/holes.tar"), ".", NULL);
    CU_ASSERT_EQUAL(unpack_path(scratch_root_host(&root, "/holes.tar"), NULL, &err), 0);
    list("/holes", &before);
    list("/into", &after);
    CU_ASSERT_STRING_EQUAL(buffer_string(&before), buffer_string(&after));
}

static void test_every_compression_is_read(void) {
    static const char *const tools[] = {"gzip", "bzip2", "xz", "zstd"};
    AUTO_BUFFER struct buffer tar = {0};
    fill_honest(&tar);
    for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
        struct error err = {0};
        scratch_root_run("rm", "-rf", scratch_root_host(&root, "/packed"), NULL);
        scratch_root_write_bytes(&root, "/packed/data.tar", tar.data, tar.size);
        scratch_root_run(tools[i], "-q", scratch_root_host(&root, "/packed/data.tar"), NULL);
        scratch_root_run("rm", "-f", scratch_root_host(&root, "/packed/data.tar"), NULL);
        AUTO_STRLIST struct strlist names = {0};
        CU_ASSERT_EQUAL(root_list(&root, "/packed", &names, &err), 0);
        CU_ASSERT_EQUAL_FATAL(names.count, 1);
        AUTO_FREE char *packed = NULL;
        CU_ASSERT_TRUE_FATAL(asprintf(&packed, "/packed/%s", names.items[0]) > 0);
        CU_ASSERT_EQUAL(unpack_path(scratch_root_host(&root, packed), NULL, &err), 0);
        check_honest();
        scratch_archive_deb(&root, packed, "/packed/x.deb");
        CU_ASSERT_EQUAL(unpack_path(scratch_root_host(&root, "/packed/x.deb"), NULL, &err), 0);
        check_honest();
    }
}

struct hostile {
    const char *what;
    const char *words; /* in the sentence */
    struct scratch_entry entries[4];
};

static const struct hostile hostile[] = {
    {"absolute path", "'/victim/new'", {{.type = '0', .path = "/victim/new", .text = "x"}}},
    {"path that climbs", "'../victim/new'", {{.type = '0', .path = "../victim/new", .text = "x"}}},
    {"path that climbs inside", "'a/../b'", {{.type = '0', .path = "a/../b", .text = "x"}}},
    {"directory that climbs", "'a/../../victim/d'", {{.type = '5', .path = "a/../../victim/d"}}},
    {"the top as a file", "empty", {{.type = '0', .path = ".", .text = "x"}}},
    {"link with an absolute target", "'l'", {{.type = '2', .path = "l", .text = "/etc/passwd"}}},
    {"link that climbs", "'d/l'", {{.type = '2', .path = "d/l", .text = "../../victim"}}},
    {"link to nothing that climbs", "'l'", {{.type = '2', .path = "l", .text = "no/../../victim"}}},
    {"link without a target", "'l'", {{.type = '2', .path = "l", .text = ""}}},
    {"file through a link",
     "no directory",
     {{.type = '5', .path = "d"},
      {.type = '2', .path = "l", .text = "d"},
      {.type = '0', .path = "l/file", .text = "x"}}},
    {"directory over a link",
     "twice",
     {{.type = '5', .path = "d"},
      {.type = '2', .path = "l", .text = "d"},
      {.type = '5', .path = "l"}}},
    {"link that climbs through a link",
     "leads out",
     {{.type = '2', .path = "d/e", .text = "."},
      {.type = '2', .path = "d/l", .text = "e/../../victim"}}},
    {"link that climbs through a later link",
     "leads out",
     {{.type = '2', .path = "d/l", .text = "e/../../victim"},
      {.type = '2', .path = "d/e", .text = "."}}},
    {"hard link out", "outside", {{.type = '1', .path = "h", .text = "../victim/file"}}},
    {"absolute hard link", "outside", {{.type = '1', .path = "h", .text = "/victim/file"}}},
    {"hard link to nothing", "no earlier file", {{.type = '1', .path = "h", .text = "nothing"}}},
    {"hard link to nowhere", "no earlier file", {{.type = '1', .path = "h", .text = "no/where"}}},
    {"hard link through a link",
     "no directory",
     {{.type = '5', .path = "d"},
      {.type = '2', .path = "l", .text = "d"},
      {.type = '1', .path = "h", .text = "l/file"}}},
    {"hard link to a link",
     "no earlier file",
     {{.type = '0', .path = "f", .text = "x"},
      {.type = '2', .path = "l", .text = "f"},
      {.type = '1', .path = "h", .text = "l"}}},
    {"character device", "neither", {{.type = '3', .path = "null", .mode = 0666}}},
    {"block device", "neither", {{.type = '4', .path = "disk", .mode = 0666}}},
    {"fifo", "neither", {{.type = '6', .path = "pipe"}}},
    {"file twice",
     "twice",
     {{.type = '0', .path = "f", .text = "x"}, {.type = '0', .path = "./f", .text = "y"}}},
    {"file over a link",
     "twice",
     {{.type = '0', .path = "f", .text = "x"},
      {.type = '2', .path = "l", .text = "f"},
      {.type = '0', .path = "l", .text = "y"}}},
    {"huge file", "more than", {{.type = '0', .path = "f", .text = "x", .pretended = 5ULL << 30}}},
    {"monstrous file",
     "more than",
     {{.type = '0', .path = "f", .text = "x", .pretended = 1ULL << 60}}},
};

static void test_what_leads_out_is_refused(void) {
    for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
        AUTO_BUFFER struct buffer tar = {0};
        struct error err = {0};
        for (size_t j = 0; j < ARRAY_SIZE(hostile[i].entries) && hostile[i].entries[j].path; j++)
            scratch_archive_add(&tar, &hostile[i].entries[j]);
        scratch_archive_end(&tar);
        int rc = unpack(&tar, NULL, &err);
        bool refused = rc < 0 && err.kind == ERROR_REFUSED && strstr(err.text, hostile[i].words);
        if (!refused)
            fprintf(stderr, "%s: %d %s\n", hostile[i].what, rc, err.text);
        CU_ASSERT_TRUE(refused);
        CU_ASSERT_TRUE(victim_is_untouched());
    }
}

/* A directory of so many levels. */
static int unpack_levels(size_t levels, struct error *err) {
    AUTO_BUFFER struct buffer tar = {0};
    AUTO_BUFFER struct buffer path = {0};
    for (size_t i = 0; i < levels; i++)
        CU_ASSERT_EQUAL(buffer_append_string(&path, i ? "/d" : "d"), 0);
    struct scratch_entry entry = {.type = '5', .path = buffer_string(&path)};
    scratch_archive_add(&tar, &entry);
    scratch_archive_end(&tar);
    return unpack(&tar, NULL, err);
}

static void test_a_path_that_is_too_deep_is_refused(void) {
    struct error err = {0};
    CU_ASSERT_EQUAL(unpack_levels(64, &err), 0);
    CU_ASSERT_EQUAL(unpack_levels(65, &err), -EPERM);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "too deep"));
}

static void test_limits_hold(void) {
    static const struct scratch_entry file = {.type = '0', .path = "some-file", .text = "12345678"};
    static const struct scratch_entry other = {.type = '0', .path = "other", .text = "12345678"};
    AUTO_BUFFER struct buffer tar = {0};
    scratch_archive_add(&tar, &file);
    scratch_archive_add(&tar, &other);
    scratch_archive_end(&tar);
    const struct archive_limits enough = {.bytes = tar.size, .entries = 2, .name_bytes = 14};
    struct archive_limits limits = enough;
    struct error err = {0};
    CU_ASSERT_EQUAL(unpack(&tar, &limits, &err), 0);
    limits.entries = 1;
    CU_ASSERT_EQUAL(unpack(&tar, &limits, &err), -EPERM);
    limits = enough;
    limits.name_bytes = 13;
    CU_ASSERT_EQUAL(unpack(&tar, &limits, &err), -EPERM);
    limits = enough;
    limits.bytes = tar.size - 1;
    CU_ASSERT_EQUAL(unpack(&tar, &limits, &err), -EFBIG);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

/* 200 MB of zeros behind the archive's end, in 200 kB: no entry ever claims them. */
static void test_a_bomb_behind_the_end_is_refused(void) {
    static const struct scratch_entry file = {.type = '0', .path = "file", .text = "x"};
    const struct archive_limits limits = {.bytes = 1 << 20, .entries = 10, .name_bytes = 100};
    AUTO_BUFFER struct buffer tar = {0};
    struct error err = {0};
    scratch_archive_add(&tar, &file);
    scratch_archive_end(&tar);
    scratch_root_write_bytes(&root, "/bomb", tar.data, tar.size);
    scratch_root_run("truncate", "-s", "200M", scratch_root_host(&root, "/bomb"), NULL);
    scratch_root_run("gzip", "-1", scratch_root_host(&root, "/bomb"), NULL);
    const char *bomb = scratch_root_host(&root, "/bomb.gz");
    CU_ASSERT_EQUAL(unpack_path(bomb, &limits, &err), -EFBIG);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

static void test_truncated_archives_are_damaged(void) {
    AUTO_BUFFER struct buffer package = {0};
    struct error err = {0};
    const char *path = scratch_archive_package("v4l2loopback-dkms_*");
    CU_ASSERT_EQUAL_FATAL(file_read_path(path, 1 << 20, &package, &err), 0);
    size_t whole = package.size;
    for (size_t part = 1; part < 64; part++) {
        package.size = whole * part / 64;
        err = (struct error){0};
        CU_ASSERT_TRUE(unpack(&package, NULL, &err) < 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    }
    package.size = whole;
}

/* With any byte changed, a package is either refused or unpacks to the very same tree. */
static void test_no_changed_byte_goes_unnoticed(void) {
    AUTO_BUFFER struct buffer package = {0}, expected = {0};
    struct error err = {0};
    const char *path = scratch_archive_package("v4l2loopback-dkms_*");
    CU_ASSERT_EQUAL_FATAL(file_read_path(path, 1 << 20, &package, &err), 0);
    CU_ASSERT_EQUAL(unpack(&package, NULL, &err), 0);
    list("/into", &expected);
    unsigned noticed = 0;
    for (size_t at = 0; at < package.size; at += 97) {
        AUTO_BUFFER struct buffer listing = {0};
        package.data[at] ^= 0x40;
        if (unpack(&package, NULL, &err)) {
            noticed++;
        } else {
            list("/into", &listing);
            CU_ASSERT_STRING_EQUAL(buffer_string(&listing), buffer_string(&expected));
        }
        package.data[at] ^= 0x40;
    }
    CU_ASSERT_TRUE(noticed > 300);
}

static void test_what_is_no_archive_is_told(void) {
    AUTO_BUFFER struct buffer text = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(buffer_append_string(&text, "#!/bin/sh\necho hello\n"), 0);
    CU_ASSERT_EQUAL(unpack(&text, NULL, &err), -EINVAL);
    CU_ASSERT_EQUAL(err.kind, ERROR_USAGE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "x.tar"));
    scratch_root_run("gzip", "-f", scratch_root_host(&root, "/x.tar"), NULL);
    CU_ASSERT_EQUAL(unpack_path(scratch_root_host(&root, "/x.tar.gz"), NULL, &err), -EINVAL);
    text.size = 0;
    CU_ASSERT_TRUE(unpack(&text, NULL, &err) < 0);
}

static void test_a_deb_is_told_by_its_first_member(void) {
    AUTO_CLOSE int deb = open(scratch_archive_package("v4l2loopback-dkms_*"), O_RDONLY | O_CLOEXEC);
    CU_ASSERT_TRUE(archive_is_deb(deb));
    scratch_root_write(&root, "/other.a", "!<arch>\nother.o/");
    AUTO_CLOSE int other = open(scratch_root_host(&root, "/other.a"), O_RDONLY | O_CLOEXEC);
    CU_ASSERT_FALSE(archive_is_deb(other));
}

static void test_a_deb_without_data_is_damaged(void) {
    AUTO_BUFFER struct buffer tar = {0};
    struct error err = {0};
    scratch_archive_end(&tar);
    scratch_root_write_bytes(&root, "/other.tar", tar.data, tar.size);
    scratch_archive_deb(&root, "/other.tar", "/no-data.deb");
    CU_ASSERT_EQUAL(unpack_path(scratch_root_host(&root, "/no-data.deb"), NULL, &err), -EBADMSG);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no data member"));
}

int main(void) {
    CU_TestInfo tests[] = {
        {"real packages unpack as dpkg does", test_real_packages_unpack_as_dpkg_does},
        {"a package with absolute links is refused", test_a_package_with_absolute_links_is_refused},
        {"modes, times and links are kept", test_modes_times_and_links_are_kept},
        {"holes become zeros", test_holes_become_zeros},
        {"every compression is read", test_every_compression_is_read},
        {"what leads out is refused", test_what_leads_out_is_refused},
        {"a path that is too deep is refused", test_a_path_that_is_too_deep_is_refused},
        {"limits hold", test_limits_hold},
        {"a bomb behind the end is refused", test_a_bomb_behind_the_end_is_refused},
        {"truncated archives are damaged", test_truncated_archives_are_damaged},
        {"no changed byte goes unnoticed", test_no_changed_byte_goes_unnoticed},
        {"what is no archive is told", test_what_is_no_archive_is_told},
        {"a deb is told by its first member", test_a_deb_is_told_by_its_first_member},
        {"a deb without data is damaged", test_a_deb_without_data_is_damaged},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "archive", .pInitFunc = set_up, .pCleanupFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
