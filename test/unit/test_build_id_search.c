#include <CUnit/Basic.h>
#include <string.h>

#include "base/buffer.h"
#include "kmod/system/build_id_search.h"
#include "test/unit/run_suites.h"

static const char id[] = "0123456789abcdef0123456789abcdef01234567";
static const uint8_t bytes[20] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23,
                                  0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67};

/* Gives a buffer in pieces. */
struct pieces {
    const struct buffer *content;
    size_t at, piece;
    int failure;
};

static int give(void *context, void *data, size_t size, size_t *got, struct error *err) {
    struct pieces *pieces = context;
    if (pieces->failure)
        return error_io(err, pieces->failure, "can't read");
    size_t left = pieces->content->size - pieces->at;
    *got = size < pieces->piece ? size : pieces->piece;
    *got = *got < left ? *got : left;
    memcpy(data, (const char *)pieces->content->data + pieces->at, *got);
    pieces->at += *got;
    return 0;
}

static bool find(const struct build_id_search *search, const struct buffer *content, size_t piece) {
    struct pieces pieces = {.content = content, .piece = piece};
    struct error err = {0};
    bool found = false;
    CU_ASSERT_EQUAL(build_id_search_run(search, give, &pieces, &found, &err), 0);
    return found;
}

static void fill(struct buffer *content, size_t size, size_t offset) {
    CU_ASSERT_EQUAL_FATAL(buffer_reserve(content, size), 0);
    memset(content->data, 0, size);
    content->size = size;
    if (offset + sizeof bytes <= size)
        memcpy(content->data + offset, bytes, sizeof bytes);
}

/* At the ends, and where one block ends and the next begins. */
static void test_at_every_edge(void) {
    AUTO(build_id_search_release) struct build_id_search search = {0};
    CU_ASSERT_EQUAL(build_id_search_add(&search, id), 0);
    const size_t size = 3 * BYTE_STREAM_BLOCK + 77;
    const size_t edges[] = {0, BYTE_STREAM_BLOCK, 2 * BYTE_STREAM_BLOCK - 64, size};
    for (size_t e = 0; e < ARRAY_SIZE(edges); e++)
        for (size_t offset = edges[e] > 80 ? edges[e] - 80 : 0; offset < edges[e] + 20; offset++) {
            AUTO_BUFFER struct buffer content = {0};
            fill(&content, size, offset);
            bool inside = offset + sizeof bytes <= size;
            CU_ASSERT_EQUAL(find(&search, &content, 4000), inside);
            CU_ASSERT_EQUAL(find(&search, &content, SIZE_MAX), inside);
        }
}

static void test_several(void) {
    AUTO(build_id_search_release) struct build_id_search search = {0};
    AUTO_BUFFER struct buffer content = {0};
    fill(&content, 100, 10);
    CU_ASSERT_FALSE(find(&search, &content, 7));
    CU_ASSERT_EQUAL(build_id_search_add(&search, "ffffffffffffffffffffffffffffffffffffffff"), 0);
    CU_ASSERT_FALSE(find(&search, &content, 7));
    CU_ASSERT_EQUAL(build_id_search_add(&search, id), 0);
    CU_ASSERT_TRUE(find(&search, &content, 7));
}

static void test_nothing_to_read(void) {
    AUTO(build_id_search_release) struct build_id_search search = {0};
    AUTO_BUFFER struct buffer content = {0};
    CU_ASSERT_EQUAL(build_id_search_add(&search, id), 0);
    fill(&content, 1, 1);
    content.size = 0;
    CU_ASSERT_FALSE(find(&search, &content, 7));
    fill(&content, 19, 0);
    CU_ASSERT_FALSE(find(&search, &content, 7));
}

/* Too short to mean anything, too long, no hex number. */
static void test_what_is_no_build_id(void) {
    AUTO(build_id_search_release) struct build_id_search search = {0};
    char longest[2 * BUILD_ID_SEARCH_BYTES_MAX + 3];
    memset(longest, '0', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    const char *const passed_over[] = {"",
                                       "00",
                                       "0123456789abcdef0123456789abcd",
                                       longest,
                                       "0123456789abcdef0123456789abcdef0123456",
                                       "0123456789ABCDEF0123456789ABCDEF01234567",
                                       "0123456789abcdef0123456789abcdef0123456x"};
    for (size_t i = 0; i < ARRAY_SIZE(passed_over); i++)
        CU_ASSERT_EQUAL(build_id_search_add(&search, passed_over[i]), 0);
    CU_ASSERT_EQUAL(search.count, 0);
    longest[2 * BUILD_ID_SEARCH_BYTES_MAX] = '\0';
    CU_ASSERT_EQUAL(build_id_search_add(&search, longest), 0);
    CU_ASSERT_EQUAL(search.count, 1);
}

static void test_a_source_that_fails(void) {
    AUTO(build_id_search_release) struct build_id_search search = {0};
    AUTO_BUFFER struct buffer content = {0};
    struct pieces pieces = {.content = &content, .failure = EIO};
    struct error err = {0};
    bool found = true;
    CU_ASSERT_EQUAL(build_id_search_run(&search, give, &pieces, &found, &err), -EIO);
    CU_ASSERT_FALSE(found);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"at every edge", test_at_every_edge},
        {"several", test_several},
        {"nothing to read", test_nothing_to_read},
        {"what is no build id", test_what_is_no_build_id},
        {"a source that fails", test_a_source_that_fails},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "build id search", .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
