#include "kmod/system/module_config.h"

#include <CUnit/Basic.h>
#include <string.h>

#include "base/buffer.h"
#include "test/unit/run_suites.h"
#include "test/unit/scratch_root.h"

static struct root root = ROOT_INIT;
static struct buffer seen; /* "word name;" for each, "!" where the system looks for it */
static struct error err;

static void set_up(void) {
    err = (struct error){0};
    scratch_root_make(&root);
}

static void tear_down(void) {
    buffer_release(&seen);
    scratch_root_remove(&root);
}

static int note(void *context, const struct module_config_entry *entry, struct error *reason) {
    (void)context, (void)reason;
    return buffer_printf(&seen, "%s %s%s;", entry->word, entry->name, entry->wants ? "!" : "");
}

static void expect(const char *found) {
    buffer_release(&seen);
    CU_ASSERT_EQUAL(module_config_walk(&root, note, NULL, &err), 0);
    if (strcmp(buffer_string(&seen), found))
        fprintf(stderr, "found %s\n", buffer_string(&seen));
    CU_ASSERT_STRING_EQUAL(buffer_string(&seen), found);
}

static void test_nothing(void) {
    expect("");
    scratch_root_write(&root, "/etc/modprobe.d", "no folder");
    expect("");
}

static void test_modules_load(void) {
    scratch_root_write(&root, "/etc/modules", "# comment\n\nloop\n");
    scratch_root_write(&root, "/etc/modules-load.d/a.conf", "  nvidia \n;no\nnvidia-uvm with=it\n");
    scratch_root_write(&root, "/etc/modules-load.d/a.conf.bak", "other\n");
    scratch_root_write(&root, "/etc/modules-load.d/.hidden.conf", "hidden\n");
    scratch_root_write(&root, "/run/modules-load.d/b.conf", "run-time");
    scratch_root_write(&root, "/usr/lib/modules-load.d/c.conf", "vendor\r\n");
    expect("load loop!;load nvidia!;load nvidia-uvm!;load run-time!;load vendor!;");
}

static void test_modprobe(void) {
    scratch_root_write(&root, "/etc/modprobe.d/.hidden.conf", "blacklist hidden\n");
    scratch_root_write(&root, "/etc/modprobe.d/a.conf",
                       "alias char-major-195* nvidia\nalias alone\noptions nvidia a=1 b=2\n"
                       "blacklist nouveau\nsoftdep nvidia pre: a b post: c\n"
                       "install x /bin/true\nremove y /bin/true\nunknown z\n"
                       "#alias d e\n\talias  long \\\n  name\n");
    expect("alias nvidia!;options nvidia;blacklist nouveau;softdep a!;softdep b!;softdep c!;"
           "install x;remove y;alias name!;");
}

static int note_command(void *context, const struct module_config_entry *entry,
                        struct error *reason) {
    (void)context, (void)reason;
    return buffer_printf(&seen, "%s: %s;", entry->name, entry->runs);
}

static void test_commands(void) {
    scratch_root_write(&root, "/etc/modprobe.d/a.conf",
                       "install x /sbin/insmod  /x.ko\nremove y\noptions z a=1\nalias a b\n");
    CU_ASSERT_EQUAL(module_config_walk(&root, note_command, NULL, &err), 0);
    CU_ASSERT_STRING_EQUAL(buffer_string(&seen), "x: /sbin/insmod  /x.ko;y: ;z: ;b: ;");
}

static void test_names_of_files(void) {
    scratch_root_write(&root, "/etc/modprobe.d/a.alias", "alias x a\n");
    scratch_root_write(&root, "/etc/modprobe.d/b.conf.bak", "alias x b\n");
    scratch_root_write(&root, "/etc/modules-load.d/c.alias", "c\n");
    expect("alias a!;");
}

/* A merged /usr has each file once; links lead anywhere in the root. */
static void test_links(void) {
    scratch_root_link(&root, "/lib", "usr/lib");
    scratch_root_write(&root, "/usr/lib/modprobe.d/a.conf", "options a b\n");
    scratch_root_write(&root, "/etc/modules", "loop\n");
    scratch_root_link(&root, "/etc/modules-load.d/modules.conf", "../modules");
    scratch_root_link(&root, "/etc/modules-load.d/gone.conf", "nowhere");
    expect("load loop!;load loop!;options a;");
}

static int stop(void *context, const struct module_config_entry *entry, struct error *reason) {
    (void)context;
    return error_set(reason, ERROR_BUSY, EBUSY, "%s %s", entry->file, entry->name);
}

static void test_a_visit_stops_it(void) {
    scratch_root_write(&root, "/etc/modules-load.d/a.conf", "first\nsecond\n");
    CU_ASSERT_EQUAL(module_config_walk(&root, stop, NULL, &err), -EBUSY);
    CU_ASSERT_STRING_EQUAL(err.text, "/etc/modules-load.d/a.conf first");
}

int main(void) {
    CU_TestInfo tests[] = {
        {"nothing", test_nothing},
        {"modules-load.d", test_modules_load},
        {"modprobe.d", test_modprobe},
        {"commands", test_commands},
        {"names of files", test_names_of_files},
        {"links", test_links},
        {"a visit stops it", test_a_visit_stops_it},
        CU_TEST_INFO_NULL,
    };
    CU_SuiteInfo suites[] = {
        {.pName = "module config",
         .pSetUpFunc = set_up,
         .pTearDownFunc = tear_down,
         .pTests = tests},
        CU_SUITE_INFO_NULL,
    };
    return run_suites(suites);
}
