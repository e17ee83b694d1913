#include <CUnit/Basic.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/facts_read.h"
#include "kmod/lifecycle/facts_write.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/facts_sample.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct facts sample;

static void set_up(void) {
    scratch_root_make(&root);
    scratch_root_dir(&root, STATE_FOLDER);
    facts_sample_make(&sample, 300);
}

static void tear_down(void) {
    facts_release(&sample);
    scratch_root_remove(&root);
}

static void check_same_placed(const struct facts_placed *a, const struct facts_placed *b) {
    CU_ASSERT_EQUAL(a->inode, b->inode);
    CU_ASSERT_EQUAL(a->ctime_ns, b->ctime_ns);
    CU_ASSERT_EQUAL(a->link_group, b->link_group);
    CU_ASSERT_EQUAL(a->xattrs.count, b->xattrs.count);
    for (size_t i = 0; i < a->xattrs.count && i < b->xattrs.count; i++) {
        const struct xattr *x = &a->xattrs.items[i], *y = &b->xattrs.items[i];
        CU_ASSERT_STRING_EQUAL(x->name, y->name);
        CU_ASSERT_TRUE(x->size == y->size && (!x->size || !memcmp(x->value, y->value, x->size)));
    }
}

static void check_same_index(const struct module_index *a, const struct module_index *b) {
    CU_ASSERT_STRING_EQUAL(a->kernel, b->kernel);
    CU_ASSERT_EQUAL(a->stale, b->stale);
    CU_ASSERT_EQUAL(a->count, b->count);
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        const struct module_index_file *x = &a->files[i], *y = &b->files[i];
        CU_ASSERT_STRING_EQUAL(x->name, y->name);
        CU_ASSERT_EQUAL(x->inode, y->inode);
        CU_ASSERT_EQUAL(x->ctime_ns, y->ctime_ns);
        CU_ASSERT_EQUAL(x->without_present, y->without_present);
        CU_ASSERT_EQUAL(x->without_mtime_ns, y->without_mtime_ns);
    }
}

static void check_same_texts(const struct facts *a, const struct facts *b) {
    CU_ASSERT_STRING_EQUAL(a->kernel, b->kernel);
    CU_ASSERT_STRING_EQUAL(a->layout, b->layout);
    CU_ASSERT_STRING_EQUAL(a->symvers_sha256, b->symvers_sha256);
    CU_ASSERT_STRING_EQUAL(a->userspace, b->userspace);
    CU_ASSERT_STRING_EQUAL(a->supported_gpus, b->supported_gpus);
    CU_ASSERT_EQUAL(a->loader.used, b->loader.used);
    CU_ASSERT_EQUAL(a->loader.parked, b->loader.parked);
    CU_ASSERT_EQUAL(a->loader.inode, b->loader.inode);
    CU_ASSERT_EQUAL(a->loader.ctime_ns, b->loader.ctime_ns);
    CU_ASSERT_EQUAL(a->loader.without_present, b->loader.without_present);
    CU_ASSERT_EQUAL(a->loader.without_mtime_ns, b->loader.without_mtime_ns);
    CU_ASSERT_STRING_EQUAL(a->compat_marker, b->compat_marker);
    CU_ASSERT_STRING_EQUAL(a->manifest.sha256, b->manifest.sha256);
    CU_ASSERT_EQUAL(a->manifest.inode, b->manifest.inode);
    CU_ASSERT_EQUAL(a->manifest.ctime_ns, b->manifest.ctime_ns);
    CU_ASSERT_TRUE(compared_files_equal(&a->compared, &b->compared));
    CU_ASSERT_STRING_EQUAL(a->dkms.version, b->dkms.version);
    CU_ASSERT_STRING_EQUAL(a->modules[1].name, b->modules[1].name);
    CU_ASSERT_STRING_EQUAL(a->modules[1].signer, b->modules[1].signer);
    CU_ASSERT_STRING_EQUAL(a->pci_aliases.items[1], b->pci_aliases.items[1]);
    CU_ASSERT_STRING_EQUAL(a->dkms.kernels.items[0], b->dkms.kernels.items[0]);
}

static void test_what_is_written_comes_back(void) {
    AUTO_FACTS struct facts found = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(facts_write(&root, &sample, &err), 0);
    CU_ASSERT_EQUAL(facts_read(&root, &found, &err), 0);
    CU_ASSERT_EQUAL(found.module_count, 2);
    CU_ASSERT_EQUAL(found.placed_count, 300);
    CU_ASSERT_EQUAL(found.index_count, 1);
    CU_ASSERT_EQUAL(found.pci_aliases.count, 2);
    if (found.module_count != 2 || found.index_count != 1 || found.pci_aliases.count != 2)
        return;
    check_same_texts(&sample, &found);
    check_same_index(&sample.indexes[0], &found.indexes[0]);
    for (size_t i = 0; i < found.placed_count && i < 300; i++)
        check_same_placed(&sample.placed[i], &found.placed[i]);
    AUTO_BUFFER struct buffer first = {0}, again = {0};
    CU_ASSERT_EQUAL(facts_format(&sample, &first, &err), 0);
    CU_ASSERT_EQUAL(facts_format(&found, &again, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&first), buffer_string(&again));
}

static void test_empty_facts_come_back(void) {
    const struct facts empty = {0};
    AUTO_FACTS struct facts found = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(facts_write(&root, &empty, &err), 0);
    CU_ASSERT_EQUAL(facts_read(&root, &found, &err), 0);
    CU_ASSERT_STRING_EQUAL(found.kernel ? found.kernel : "NULL", "");
    CU_ASSERT_STRING_EQUAL(found.dkms.name ? found.dkms.name : "NULL", "");
}

/* Bakes of before there were any. */
static void test_facts_without_compared_files(void) {
    AUTO_FACTS struct facts found = {0};
    struct error err = {0};
    AUTO_BUFFER struct buffer whole = {0}, cut = {0};
    CU_ASSERT_EQUAL(facts_format(&sample, &whole, &err), 0);
    const char *from = strstr(buffer_string(&whole), "\"compared\"");
    const char *to = strstr(buffer_string(&whole), "\"loader\"");
    CU_ASSERT_TRUE_FATAL(from && to && from < to);
    CU_ASSERT_EQUAL(buffer_append(&cut, whole.data, (size_t)(from - buffer_string(&whole))), 0);
    CU_ASSERT_EQUAL(buffer_append_string(&cut, to), 0);
    CU_ASSERT_EQUAL(facts_parse(buffer_string(&cut), cut.size, "facts", &found, &err), 0);
    CU_ASSERT_EQUAL(found.compared.count, 0);
    CU_ASSERT_EQUAL(found.module_count, 2);
}

static void test_no_facts_are_silent(void) {
    AUTO_FACTS struct facts found = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(facts_read(&root, &found, &err), -ENOENT);
    CU_ASSERT_EQUAL(err.kind, ERROR_NONE);
}

static void test_facts_of_others_are_refused(void) {
    AUTO_FACTS struct facts found = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(facts_write(&root, &sample, &err), 0);
    CU_ASSERT_EQUAL(chown(scratch_root_host(&root, STATE_FOLDER_FACTS), 65534, 0), 0);
    CU_ASSERT_NOT_EQUAL(facts_read(&root, &found, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
}

/* The sample's text with the first `from` replaced must be refused with a sentence naming `key`. */
static void check_edit(const char *from, const char *to, enum error_kind kind, const char *key) {
    AUTO_BUFFER struct buffer text = {0}, edited = {0};
    AUTO_FACTS struct facts found = {0};
    struct error err = {0};
    CU_ASSERT_EQUAL(facts_format(&sample, &text, &err), 0);
    const char *at = strstr(buffer_string(&text), from);
    CU_ASSERT_PTR_NOT_NULL(at);
    if (!at)
        return;
    CU_ASSERT_EQUAL(buffer_append(&edited, text.data, (size_t)(at - (const char *)text.data)), 0);
    CU_ASSERT_EQUAL(buffer_append_string(&edited, to), 0);
    CU_ASSERT_EQUAL(buffer_append_string(&edited, at + strlen(from)), 0);
    bool refused = facts_parse(buffer_string(&edited), edited.size, "facts", &found, &err) != 0;
    if (!refused || err.kind != kind || !strstr(err.text, key)) {
        fprintf(stderr, "%s -> %s: %s\n", from, to, err.text);
        CU_FAIL("not refused as it should be");
    }
}

static void test_another_format_is_refused(void) {
    check_edit("\"format\":1", "\"format\":2", ERROR_REFUSED, "format 2");
    check_edit("\"format\":1", "\"format\":0", ERROR_DAMAGED, "format");
    check_edit("\"format\":1", "\"format\":\"1\"", ERROR_DAMAGED, "format");
    check_edit("\"format\":1,", "", ERROR_DAMAGED, "format");
}

static void test_the_damaged_key_is_named(void) {
    check_edit("\"kernel\":\"6.1", "\"kernel\":\"../6.1", ERROR_DAMAGED, "\"kernel\"");
    check_edit("\"machine\":\"x86_64\"", "\"machine\":7", ERROR_DAMAGED, "machine");
    check_edit("\"compression\"", "\"compressiom\"", ERROR_DAMAGED, "compression");
    check_edit("/opt/azure/aks-gpu/dkms-marker", "/opt/../etc/passwd", ERROR_DAMAGED,
               "compat_marker");
    check_edit("\"used\":true", "\"used\":1", ERROR_DAMAGED, "used");
    check_edit("\"symvers_sha256\":\"8f", "\"symvers_sha256\":\"8g", ERROR_DAMAGED, "symvers");
    check_edit("\"path\":\"/usr", "\"path\":\"/usr/../..", ERROR_DAMAGED, "modules[0].path");
    check_edit("\"name\":\"nvidia_drm\"", "\"name\":null", ERROR_DAMAGED, "modules[1].name");
    check_edit("\"pci_aliases\":[", "\"pci_aliases\":[1,", ERROR_DAMAGED, "pci_aliases");
    check_edit("\"indexes\":[", "\"indexes\":[3,", ERROR_DAMAGED, "indexes[0].kernel");
    check_edit("\"stale\":true", "\"stale\":1", ERROR_DAMAGED, "indexes[0].stale");
    check_edit("\"name\":\"modules.dep\"", "\"name\":\"..\"", ERROR_DAMAGED, "indexes[0].name");
    check_edit("\"name\":\"modules.dep\"", "\"name\":\"\"", ERROR_DAMAGED, "indexes[0].name");
    check_edit("\"files\":[", "\"files\":{\"a\":[", ERROR_DAMAGED, "");
    check_edit("\"manifest\":{", "\"manifest\":{\"inode\":\"5\",", ERROR_DAMAGED, "");
    check_edit("\"sha256\":\"8f", "\"sha256\":\"8", ERROR_DAMAGED, "manifest.sha256");
    check_edit("\"kernels\":[\"6", "\"kernels\":[\"/6", ERROR_DAMAGED, "dkms.kernels");
}

static void test_damaged_rows_are_named(void) {
    check_edit("\"placed\":[", "\"placed\":[[],", ERROR_DAMAGED, "placed[0]");
    check_edit("\"compared\":[", "\"compared\":{},\"c\":[", ERROR_DAMAGED, "compared");
    check_edit("\"compared\":[", "\"compared\":[[1,2,3],", ERROR_DAMAGED, "compared[0]");
    check_edit("\"compared\":[", "\"compared\":[[1,2,3,4,5],", ERROR_DAMAGED, "compared[0]");
    check_edit("\"compared\":[", "\"compared\":[[1,2,3,\"4\"],", ERROR_DAMAGED, "compared[0]");
    check_edit("\"compared\":[", "\"compared\":[1,", ERROR_DAMAGED, "compared[0]");
    check_edit("\"placed\":[", "\"placed\":[[1],", ERROR_DAMAGED, "placed[0]");
    check_edit("\"placed\":[", "\"placed\":[[1,2],[1.5,2],", ERROR_DAMAGED, "placed[1]");
    check_edit("\"placed\":[", "\"placed\":[[1,2,-1],", ERROR_DAMAGED, "placed[0]");
    check_edit("\"placed\":[", "\"placed\":[[1,2,4294967296],", ERROR_DAMAGED, "placed[0]");
    check_edit("\"placed\":[", "\"placed\":[[1,2,3,4],", ERROR_DAMAGED, "placed[0]");
    check_edit("\"placed\":[", "\"placed\":[[1,2,0,{},5],", ERROR_DAMAGED, "placed[0]");
    check_edit("\"placed\":[", "\"placed\":[[1,2,0,{\"a\":\"0\"}],", ERROR_DAMAGED, "placed[0]");
    check_edit("\"placed\":[", "\"placed\":[[1,2,0,{\"a\":\"0g\"}],", ERROR_DAMAGED, "placed[0]");
    check_edit("\"placed\":[", "\"placed\":[[99999999999999999999,2],", ERROR_DAMAGED, "");
}

static void test_what_is_no_JSON_is_damage(void) {
    static const char nul[] = "{\"format\":1,\"kernel\":\"a\\u0000b\"}";
    static const char *const texts[] = {"", "{", "[]", "7", "{} {}", "{\"format\":1,\"format\":1}",
                                        nul};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        AUTO_FACTS struct facts found = {0};
        struct error err = {0};
        CU_ASSERT_NOT_EQUAL(facts_parse(texts[i], strlen(texts[i]), "facts", &found, &err), 0);
        CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
    }
    check_edit("\"kernel\"", "\"kernel\":\"a\",\"kernel\"", ERROR_DAMAGED, "duplicate");
}

static void test_deep_nesting_is_damage(void) {
    AUTO_BUFFER struct buffer text = {0};
    AUTO_FACTS struct facts found = {0};
    struct error err = {0};
    int rc = buffer_append_string(&text, "{\"x\":");
    for (int i = 0; !rc && i < 1000000; i++)
        rc = buffer_append_string(&text, "[");
    CU_ASSERT_EQUAL(rc, 0);
    CU_ASSERT_NOT_EQUAL(facts_parse(buffer_string(&text), text.size, "facts", &found, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_DAMAGED);
}

static void test_what_could_not_be_read_is_not_written(void) {
    struct error err = {0};
    char *kept = sample.kernel;
    sample.kernel = (char[]){"../x"};
    CU_ASSERT_NOT_EQUAL(facts_write(&root, &sample, &err), 0);
    CU_ASSERT_EQUAL(err.kind, ERROR_REFUSED);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "\"kernel\""));
    sample.kernel = kept;
    kept = sample.modules[0].signer;
    sample.modules[0].signer = (char[]){"latin-1 \xe9"};
    CU_ASSERT_NOT_EQUAL(facts_write(&root, &sample, &err), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "\"signer\""));
    sample.modules[0].signer = kept;
    CU_ASSERT_FALSE(root_exists(&root, STATE_FOLDER_FACTS));
}

static void test_recording_takes_what_is_there(void) {
    AUTO_FACTS struct facts facts = {0};
    struct error err = {0};
    struct stat st;
    scratch_root_write(&root, STATE_FOLDER_MANIFEST, "x");
    CU_ASSERT_EQUAL(facts_record_manifest(&root, &facts, &err), 0);
    CU_ASSERT_EQUAL(stat(scratch_root_host(&root, STATE_FOLDER_MANIFEST), &st), 0);
    CU_ASSERT_EQUAL(facts.manifest.inode, st.st_ino);
    CU_ASSERT_EQUAL(facts.manifest.ctime_ns, st.st_ctim.tv_sec * 1000000000L + st.st_ctim.tv_nsec);
    struct facts_placed *placed = facts_add_placed(&facts);
    CU_ASSERT_EQUAL(facts_record_placed(&root, STATE_FOLDER_MANIFEST, placed, &err), 0);
    CU_ASSERT_EQUAL(placed->inode, st.st_ino);
    CU_ASSERT_EQUAL(facts_record_placed(&root, "/missing", placed, &err), -ENOENT);
}

int main(void) {
    CU_TestInfo tests[] = {
        {"what is written comes back", test_what_is_written_comes_back},
        {"empty facts come back", test_empty_facts_come_back},
        {"facts without compared files", test_facts_without_compared_files},
        {"no facts are silent", test_no_facts_are_silent},
        {"facts of others are refused", test_facts_of_others_are_refused},
        {"another format is refused", test_another_format_is_refused},
        {"the damaged key is named", test_the_damaged_key_is_named},
        {"damaged rows are named", test_damaged_rows_are_named},
        {"what is no JSON is damage", test_what_is_no_JSON_is_damage},
        {"deep nesting is damage", test_deep_nesting_is_damage},
        {"what could not be read is not written", test_what_could_not_be_read_is_not_written},
        {"recording takes what is there", test_recording_takes_what_is_there},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "facts", .pSetUpFunc = set_up, .pTearDownFunc = tear_down, .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
