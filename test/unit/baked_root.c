#include "test/unit/baked_root.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kmod/lifecycle/facts_write.h"
#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/marker.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/state_word.h"
#include "kmod/lifecycle/transfer.h"
#include "test/unit/scratch_root.h"

#define BUILD_FOLDER BAKED_VERSION "/" SMALL_KERNEL "/x86_64"
#define BAKED_BUILT "/var/lib/dkms/" BAKED_NAME "/" BUILD_FOLDER "/module/baked-ours.ko"

static const char *const placed[] = {
    BAKED_FILE,       BAKED_BUILT,   BAKED_SOURCE_LINK, BAKED_KERNEL_LINK, BAKED_PROGRAM,
    "/usr/lib/baked", BAKED_LIBRARY, BAKED_LOADER,      BAKED_LOAD,
};

static struct error err;

static void need(int rc) {
    if (!rc)
        return;
    fprintf(stderr, "the test can't make its bake: %s\n", err.text);
    exit(99);
}

static char *copy(const char *text) {
    char *copied = strdup(text);
    if (!copied)
        exit(99);
    return copied;
}

void baked_root_refresh(const struct root *root) {
    scratch_root_run("depmod", "-b", root->path, SMALL_KERNEL, NULL);
    scratch_root_run("ldconfig", "-X", "-r", root->path, NULL);
}

void baked_root_make(struct root *root) {
    scratch_root_make(root);
    small_kernel_make(root);
    scratch_root_dir(root, "/usr/bin");
    scratch_root_write(root, "/usr/src/" BAKED_NAME "-" BAKED_VERSION "/dkms.conf", "");
    scratch_root_link(root, "/bin", "usr/bin");
    scratch_root_write(root, "/etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n");
    baked_root_refresh(root);
}

static void place(const struct root *root) {
    static const char *const arguments[] = {"-shared", "-Wl,-soname,libbaked.so.1", NULL};
    small_kernel_module(root, SMALL_KERNEL_DIR "/updates/dkms/baked-ours.ko", NULL, NULL, NULL);
    scratch_root_copy(root, BAKED_BUILT, scratch_root_host(root, BAKED_FILE));
    scratch_root_link(root, BAKED_SOURCE_LINK, "/usr/src/" BAKED_NAME "-" BAKED_VERSION);
    scratch_root_link(root, BAKED_KERNEL_LINK, BUILD_FOLDER);
    scratch_root_write(root, BAKED_PROGRAM, "a program");
    need(chmod(scratch_root_host(root, BAKED_PROGRAM), 04755));
    scratch_root_compile(root, BAKED_LIBRARY, "int baked(void) { return 1; }", arguments);
    scratch_root_write(root, BAKED_LOADER, "/usr/lib/baked\n");
    scratch_root_write(root, BAKED_LOAD, "baked-ours\n");
    baked_root_refresh(root);
}

static void fill_facts(struct facts *facts) {
    *facts = (struct facts){
        .kernel = copy(SMALL_KERNEL),
        .machine = copy("x86_64"),
        .driver_kind = copy("cuda"),
        .module = copy(BAKED_NAME),
        .driver_version = copy(BAKED_VERSION),
        .layout = copy(FACTS_ACTIVE),
        .dkms = {.name = copy(BAKED_NAME),
                 .version = copy(BAKED_VERSION),
                 .machine = copy("x86_64")},
    };
    struct facts_module *module = facts_add_module(facts);
    struct module_index *index = facts_add_index(facts);
    if (!module || !index)
        exit(99);
    module->path = copy(BAKED_FILE);
    module->name = copy("baked_ours");
    index->kernel = copy(SMALL_KERNEL);
    need(strlist_add(&facts->dkms.kernels, SMALL_KERNEL));
}

static void record(const struct root *root, struct manifest *manifest, struct facts *facts) {
    for (size_t i = 0; i < ARRAY_SIZE(placed); i++)
        need(manifest_record(manifest, root, placed[i], &err));
    need(manifest_write(root, manifest, facts->manifest.sha256, &err));
    for (size_t i = 0; i < manifest->count; i++)
        need(facts_record_placed(root, manifest->entries[i].path, facts_add_placed(facts), &err));
    need(facts_record_manifest(root, facts, &err));
}

/* As `prebake-node park` moves it. */
static void move_to_store(const struct root *root, const struct manifest *manifest,
                          struct facts *facts) {
    const struct removal removal = {.root = root, .manifest = manifest, .facts = facts};
    for (int class = REMOVAL_MODULES; class <= REMOVAL_REST; class ++)
        need(transfer_to_store(&removal, (enum removal_class) class, &err));
    need(transfer_record(root, manifest, facts, true, false, &err));
    free(facts->layout);
    facts->layout = copy(FACTS_PARKED);
    scratch_root_run("rm", "-r", scratch_root_host(root, "/var/lib/dkms"),
                     scratch_root_host(root, "/usr/lib/baked"), NULL);
    baked_root_refresh(root);
}

static void bake(const struct root *root, enum state_word word) {
    AUTO_MANIFEST struct manifest manifest = {0};
    AUTO_FACTS struct facts facts = {0};
    place(root);
    scratch_root_dir(root, STATE_FOLDER_STORE);
    need(chmod(scratch_root_host(root, STATE_FOLDER), 0700));
    fill_facts(&facts);
    record(root, &manifest, &facts);
    if (word == STATE_PARKED)
        move_to_store(root, &manifest, &facts);
    need(facts_write(root, &facts, &err));
    need(state_word_write(root, word, &err));
    struct marker marker = {.kernel = facts.kernel,
                            .driver_version = facts.driver_version,
                            .driver_kind = facts.driver_kind,
                            .arch = facts.machine,
                            .module = facts.module,
                            .manifest_sha256 = facts.manifest.sha256};
    need(marker_write(root, &marker, &err));
}

void baked_root_bake(const struct root *root) {
    bake(root, STATE_ACTIVE);
}

void baked_root_bake_parked(const struct root *root) {
    bake(root, STATE_PARKED);
}
