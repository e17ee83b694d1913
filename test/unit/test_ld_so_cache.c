#include "kmod/system/ld_so_cache.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/buffer.h"
#include "base/file.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"
#include "test/unit/workdir.h"

#define FIRST "/usr/lib/x86_64-linux-gnu/libcuda.so.1"
#define SECOND "/usr/lib/libnvidia-ml.so.1"

static struct strlist libraries;
static struct error err;

static void set_up(void) {
    err = (struct error){0};
}

static void tear_down(void) {
    strlist_release(&libraries);
}

static void append(struct buffer *out, const void *data, size_t size) {
    if (buffer_append(out, data, size))
        exit(99);
}

static void append_number(struct buffer *out, uint32_t number) {
    append(out, &number, sizeof number);
}

static void append_entry(struct buffer *out, uint32_t name, uint32_t path) {
    static const char rest[12];
    append_number(out, 3);
    append_number(out, name);
    append_number(out, path);
    append(out, rest, sizeof rest);
}

/* Two entries; their paths are at 96 and behind. */
static void make_cache(struct buffer *out) {
    static const char rest[16];
    append(out, "glibc-ld.so.cache1.1", 20);
    append_number(out, 2);
    append_number(out, (uint32_t)(sizeof FIRST + sizeof SECOND));
    append(out, "\2\0\0\0", 4);
    append(out, rest, sizeof rest);
    append_entry(out, 96, 96);
    append_entry(out, 96, 96 + sizeof FIRST);
    append(out, FIRST, sizeof FIRST);
    append(out, SECOND, sizeof SECOND);
}

static int parse(const struct buffer *bytes) {
    /* Of exactly that size, so that a sanitizer sees what reads beyond. */
    AUTO_FREE uint8_t *copy = malloc(bytes->size ? bytes->size : 1);
    if (!copy)
        exit(99);
    if (bytes->size)
        memcpy(copy, bytes->data, bytes->size);
    strlist_release(&libraries);
    err = (struct error){0};
    return ld_so_cache_parse(copy, bytes->size, "the cache", &libraries, &err);
}

static void expect_both(const struct buffer *bytes) {
    CU_ASSERT_EQUAL(parse(bytes), 0);
    CU_ASSERT_EQUAL_FATAL(libraries.count, 2);
    CU_ASSERT_STRING_EQUAL(libraries.items[0], FIRST);
    CU_ASSERT_STRING_EQUAL(libraries.items[1], SECOND);
}

static void expect_damaged(const struct buffer *bytes, const char *words) {
    CU_ASSERT_EQUAL(parse(bytes), -EBADMSG);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "the cache"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
}

static void test_paths(void) {
    AUTO_BUFFER struct buffer cache = {0};
    make_cache(&cache);
    expect_both(&cache);
    cache.data[28] = 0; /* no byte order said, as before glibc 2.33 */
    expect_both(&cache);
}

/* With three entries for older loaders in front. */
static void test_both_formats(void) {
    AUTO_BUFFER struct buffer cache = {0};
    append(&cache, "ld.so-1.7.0", 12);
    append_number(&cache, 3);
    for (unsigned i = 0; i < 9; i++)
        append_number(&cache, 0xffffffff);
    append(&cache, "\0\0\0\0", 4);
    make_cache(&cache);
    expect_both(&cache);
    struct buffer old_alone = {.data = cache.data, .size = 56};
    expect_damaged(&old_alone, "does not begin");
    cache.data[12] = 0xff;
    expect_damaged(&cache, "middle of its entries");
    memset(cache.data + 12, 0xff, 4);
    expect_damaged(&cache, "middle of its entries");
}

static void test_every_truncation(void) {
    AUTO_BUFFER struct buffer cache = {0};
    make_cache(&cache);
    for (size_t size = 0; size < cache.size; size++) {
        struct buffer part = {.data = cache.data, .size = size};
        expect_damaged(&part, "damaged");
    }
}

static void change(size_t offset, uint32_t number, const char *words) {
    AUTO_BUFFER struct buffer cache = {0};
    make_cache(&cache);
    memcpy(cache.data + offset, &number, sizeof number);
    expect_damaged(&cache, words);
}

static void test_lies(void) {
    change(20, 0xffffffff, "middle of its entries");
    change(20, 8, "middle of its entries");
    change(48 + 8, 0xffffffff, "leads outside");
    change(48 + 8, 96 + sizeof FIRST + sizeof SECOND, "leads outside");
    change(28, 3, "another byte order");
    change(0, 0x78787878, "does not begin");
}

static void test_endless_path(void) {
    AUTO_BUFFER struct buffer cache = {0};
    make_cache(&cache);
    cache.data[cache.size - 1] = 'x';
    expect_damaged(&cache, "no end");
    for (unsigned i = 0; i < 5000; i++)
        append(&cache, "y", 1);
    append(&cache, "", 1);
    expect_damaged(&cache, "no end");
}

static void test_random_bytes(void) {
    for (unsigned i = 0; i < 20000; i++) {
        AUTO_BUFFER struct buffer cache = {0};
        make_cache(&cache);
        for (unsigned j = 0; j < 3; j++)
            cache.data[workdir_random() % cache.size] = (uint8_t)workdir_random();
        int rc = parse(&cache);
        CU_ASSERT_TRUE(rc == 0 || (rc == -EBADMSG && err.kind == ERROR_DAMAGED));
    }
}

static void test_roots(void) {
    struct root root = ROOT_INIT;
    bool present = true;
    scratch_root_make(&root);
    CU_ASSERT_EQUAL(ld_so_cache_read(&root, &libraries, &present, &err), 0);
    CU_ASSERT_FALSE(present);
    scratch_root_write(&root, LD_SO_CACHE, "");
    CU_ASSERT_EQUAL(ld_so_cache_read(&root, &libraries, &present, &err), -EBADMSG);
    CU_ASSERT_TRUE(present);
    scratch_root_remove(&root);
}

/* The real ldconfig's, in the format of today and in that with the older one in front. */
static void test_real_caches(void) {
    static const char *const formats[] = {"new", "compat"};
    for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
        struct root root = ROOT_INIT;
        bool present = false;
        scratch_root_make(&root);
        scratch_root_copy(&root, "/opt/lib/libkmod.so.2", "/usr/lib/x86_64-linux-gnu/libkmod.so.2");
        scratch_root_write(&root, "/etc/ld.so.conf", "/opt/lib\n");
        scratch_root_run("ldconfig", "-X", "-c", formats[i], "-r", scratch_root_host(&root, "/"),
                         NULL);
        strlist_release(&libraries);
        CU_ASSERT_EQUAL(ld_so_cache_read(&root, &libraries, &present, &err), 0);
        CU_ASSERT_TRUE(present);
        CU_ASSERT_EQUAL_FATAL(libraries.count, 1);
        CU_ASSERT_STRING_EQUAL(libraries.items[0], "/opt/lib/libkmod.so.2");
        scratch_root_remove(&root);
    }
}

int main(void) {
    CU_TestInfo tests[] = {
        {"paths", test_paths},
        {"both formats", test_both_formats},
        {"every truncation", test_every_truncation},
        {"lies", test_lies},
        {"an endless path", test_endless_path},
        {"random bytes", test_random_bytes},
        {"roots", test_roots},
        {"real caches", test_real_caches},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "ld.so.cache", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
