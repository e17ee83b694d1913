#include "test/unit/layout_fixture.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/xattr.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/tree.h"
#include "kmod/lifecycle/facts_read.h"
#include "kmod/lifecycle/facts_write.h"
#include "kmod/lifecycle/manifest_read.h"
#include "kmod/lifecycle/manifest_write.h"
#include "kmod/lifecycle/marker.h"
#include "kmod/lifecycle/state_folder.h"
#include "test/unit/scratch_root.h"

#define CAPABILITY "security.capability"
#define NOTE "trusted.note"

/* Every path of the bake, sorted as the manifest is. */
static const char *const placed[] = {
    BAKED_COMPAT,
    BAKED_SETUID,
    BAKED_CAPABLE,
    BAKED_PAIR,
    BAKED_PAIR_TWIN,
    BAKED_LINK,
    "/usr/lib/modules/" SMALL_KERNEL "/updates",
    BAKED_MODULES,
    BAKED_MODULE,
    BAKED_SETUID_TWIN,
    BAKED_ODD_DIR,
    BAKED_ODD_FILE,
    BAKED_SOURCE,
    BAKED_SOURCE_FILE,
    BAKED_DKMS,
    BAKED_DKMS "/1.0",
    BAKED_DKMS "/1.0/" SMALL_KERNEL,
    BAKED_DKMS "/1.0/" SMALL_KERNEL "/x86_64",
    BAKED_DKMS "/1.0/" SMALL_KERNEL "/x86_64/module",
    BAKED_BUILT,
    BAKED_SOURCE_LINK,
    BAKED_DKMS "/kernel-" SMALL_KERNEL "-x86_64",
};

static _Noreturn void give_up(const char *what, const struct error *err) {
    fprintf(stderr, "the test can't prepare its bake: %s: %s\n", what,
            err && *err->text ? err->text : strerror(errno));
    exit(99);
}

static void must(int rc, const char *what, const struct error *err) {
    if (rc)
        give_up(what, err);
}

static char *copy(const char *text) {
    char *copied = strdup(text);
    if (!copied)
        give_up(text, NULL);
    return copied;
}

void layout_fixture_make(struct root *root) {
    scratch_root_make(root);
    small_kernel_make(root);
    scratch_root_run("depmod", "-b", root->path, SMALL_KERNEL, NULL);
    scratch_root_dir(root, "/usr/share");
    scratch_root_dir(root, "/usr/sbin");
    scratch_root_dir(root, "/opt");
    scratch_root_write(root, "/usr/bin/theirs", "theirs");
    scratch_root_write(root, "/usr/src/theirs-1/dkms.conf", "theirs");
    scratch_root_link(root, "/var/lib/dkms/theirs/1/source", "/usr/src/theirs-1");
}

/* Owner, attribute and mode in the order in which none takes another away. */
static void dress(const struct root *root, const char *path, uid_t uid, gid_t gid, mode_t mode,
                  const char *attribute) {
    /* cap_net_raw+ep */
    static const uint8_t capability[20] = {1, 0, 0, 2, 0, 0x20};
    const char *host = scratch_root_host(root, path);
    bool capable = attribute && !strcmp(attribute, CAPABILITY);
    if (chown(host, uid, gid) ||
        (attribute && setxattr(host, attribute, capable ? (const void *)capability : "kept",
                               capable ? sizeof capability : 4, 0)) ||
        chmod(host, mode))
        give_up(path, NULL);
}

static void put_userspace(const struct root *root) {
    scratch_root_write(root, BAKED_SETUID, "a program");
    dress(root, BAKED_SETUID, 0, 0, 04755, CAPABILITY);
    must(link(scratch_root_host(root, BAKED_SETUID), scratch_root_host(root, BAKED_SETUID_TWIN)),
         BAKED_SETUID_TWIN, NULL);
    scratch_root_write(root, BAKED_CAPABLE, "another program");
    dress(root, BAKED_CAPABLE, 0, 0, 0755, CAPABILITY);
    scratch_root_write(root, BAKED_PAIR, "a library");
    must(link(scratch_root_host(root, BAKED_PAIR), scratch_root_host(root, BAKED_PAIR_TWIN)),
         BAKED_PAIR_TWIN, NULL);
    scratch_root_link(root, BAKED_LINK, "ours-a.so");
    scratch_root_write(root, BAKED_ODD_FILE, "a note");
    dress(root, BAKED_ODD_FILE, 7, 8, 0640, NOTE);
    dress(root, BAKED_ODD_DIR, 0, 8, 0750, NOTE);
}

static void put_registration(const struct root *root) {
    scratch_root_write(root, BAKED_SOURCE_FILE, "PACKAGE_NAME=ours\n");
    scratch_root_copy(root, BAKED_BUILT, scratch_root_host(root, BAKED_MODULE));
    scratch_root_link(root, BAKED_SOURCE_LINK, BAKED_SOURCE);
    scratch_root_link(root, BAKED_DKMS "/kernel-" SMALL_KERNEL "-x86_64",
                      "1.0/" SMALL_KERNEL "/x86_64");
}

static void describe_bake(struct facts *facts) {
    struct facts_module *module = facts_add_module(facts);
    if (!module)
        give_up("facts", NULL);
    *module = (struct facts_module){.path = copy(BAKED_MODULE),
                                    .name = copy("ours"),
                                    .build_id = copy(""),
                                    .srcversion = copy(""),
                                    .signer = copy(""),
                                    .key_id = copy("")};
    facts->kernel = copy(SMALL_KERNEL);
    facts->machine = copy("x86_64");
    facts->driver_kind = copy("cuda");
    facts->module = copy("ours");
    facts->driver_version = copy("1.0");
    facts->bundle = copy("bundle");
    facts->layout = copy(FACTS_ACTIVE);
    facts->compression = copy("none");
    facts->symvers_sha256 = copy("");
    facts->compat_marker = copy(BAKED_COMPAT);
    facts->dkms.name = copy("ours");
    facts->dkms.version = copy("1.0");
    facts->dkms.machine = copy("x86_64");
    if (strlist_add(&facts->dkms.kernels, SMALL_KERNEL))
        give_up("facts", NULL);
}

static void set_link_group(struct facts *facts, const struct manifest *manifest, const char *path,
                           uint32_t group) {
    const struct manifest_entry *entry = manifest_find(manifest, path);
    if (!entry)
        give_up(path, NULL);
    facts->placed[entry - manifest->entries].link_group = group;
}

static void record(const struct root *root, struct layout_records *records) {
    struct error err = {0};
    struct facts *facts = &records->facts;
    struct manifest *manifest = &records->manifest;
    for (size_t i = 0; i < ARRAY_SIZE(placed); i++)
        must(manifest_record(manifest, root, placed[i], &err), placed[i], &err);
    must(manifest_write(root, manifest, facts->manifest.sha256, &err), "manifest", &err);
    for (size_t i = 0; i < manifest->count; i++)
        must(facts_record_placed(root, manifest->entries[i].path, facts_add_placed(facts), &err),
             "facts", &err);
    set_link_group(facts, manifest, BAKED_SETUID, 1);
    set_link_group(facts, manifest, BAKED_SETUID_TWIN, 1);
    set_link_group(facts, manifest, BAKED_PAIR, 2);
    set_link_group(facts, manifest, BAKED_PAIR_TWIN, 2);
    must(facts_record_manifest(root, facts, &err), "facts", &err);
}

static void write_marker(const struct root *root, const struct facts *facts) {
    struct error err = {0};
    const struct marker marker = {.kernel = facts->kernel,
                                  .driver_version = facts->driver_version,
                                  .driver_kind = facts->driver_kind,
                                  .arch = facts->machine,
                                  .module = facts->module,
                                  .manifest_sha256 = (char *)facts->manifest.sha256};
    must(marker_write(root, &marker, &err), "marker", &err);
}

void layout_fixture_bake(const struct root *root) {
    struct error err = {0};
    struct layout_records records = {0};
    struct module_index *index = facts_add_index(&records.facts);
    must(state_folder_make(root, NULL, &err), "state folder", &err);
    must(root_make_dirs(root, STATE_FOLDER_STORE, 0700, NULL, &err), "store", &err);
    must(module_index_keep(root, SMALL_KERNEL, STATE_FOLDER_STORE, index, &err), "index", &err);
    small_kernel_module(root, BAKED_MODULE, "pci:v000010DEd*", NULL, "base_call");
    put_userspace(root);
    put_registration(root);
    scratch_root_write(root, BAKED_COMPAT, "kernel=" SMALL_KERNEL "\n");
    must(module_index_build(root, STATE_FOLDER_STORE, index, &err), "index", &err);
    describe_bake(&records.facts);
    record(root, &records);
    layout_fixture_write(root, &records);
    layout_fixture_set_word(root, STATE_ACTIVE);
    write_marker(root, &records.facts);
    layout_fixture_release(&records);
}

/* Some walks. */
struct description {
    const struct root *root;
    const char *folder;
    struct buffer text;
    struct strlist names; /* "inode:first name" */
};

static const char *first_name(struct description *description, const struct tree_entry *entry) {
    char inode[32];
    int length = snprintf(inode, sizeof inode, "%lu:", entry->st->st_ino);
    for (size_t i = 0; i < description->names.count; i++)
        if (!strncmp(description->names.items[i], inode, (size_t)length))
            return description->names.items[i] + length;
    AUTO_FREE char *line = NULL;
    if (asprintf(&line, "%s%s/%s", inode, description->folder, entry->path) < 0 ||
        strlist_add(&description->names, line))
        give_up("snapshot", NULL);
    return description->names.items[description->names.count - 1] + length;
}

static void add_attributes(struct description *description, const struct tree_entry *entry) {
    AUTO_XATTRS struct xattrs xattrs = {0};
    AUTO_FREE char *path = NULL;
    struct error err = {0};
    if (asprintf(&path, "%s/%s", description->folder, entry->path) < 0)
        give_up("snapshot", NULL);
    must(xattrs_read(description->root, path, &xattrs, &err), path, &err);
    for (size_t i = 0; i < xattrs.count; i++) {
        must(buffer_printf(&description->text, " %s=", xattrs.items[i].name), path, NULL);
        for (size_t at = 0; at < xattrs.items[i].size; at++)
            must(buffer_printf(&description->text, "%02x", xattrs.items[i].value[at]), path, NULL);
    }
}

static int add_content(struct description *description, const struct tree_entry *entry,
                       struct error *err) {
    char content[PATH_MAX] = "";
    if (S_ISLNK(entry->st->st_mode)) {
        ssize_t size = readlinkat(entry->parent, entry->name, content, sizeof content - 1);
        content[size > 0 ? size : 0] = '\0';
    }
    if (S_ISREG(entry->st->st_mode)) {
        AUTO_CLOSE int fd = openat(entry->parent, entry->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        int rc = digest_fd(fd, entry->path, content, err);
        if (rc)
            return rc;
    }
    return buffer_printf(&description->text, " %s\n", content);
}

static int describe(void *context, const struct tree_entry *entry, struct error *err) {
    struct description *description = context;
    const struct stat *st = entry->st;
    bool is_dir = S_ISDIR(st->st_mode);
    int rc = buffer_printf(&description->text, "%s/%s %o %u:%u", description->folder, entry->path,
                           st->st_mode, st->st_uid, st->st_gid);
    if (!rc && !is_dir)
        rc = buffer_printf(&description->text, " %lu %s %ld.%09ld", st->st_nlink,
                           first_name(description, entry), st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
    if (rc)
        return rc;
    add_attributes(description, entry);
    return add_content(description, entry, err);
}

char *layout_fixture_snapshot(const struct root *root) {
    static const char *const folders[] = {"/opt", "/usr", "/var/lib/dkms"};
    struct description description = {.root = root};
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
        struct error err = {0};
        AUTO_CLOSE int fd = -1;
        description.folder = folders[i];
        must(root_open_dir(root, folders[i], &fd, &err), folders[i], &err);
        must(tree_walk(fd, folders[i], describe, &description, &err), folders[i], &err);
    }
    strlist_release(&description.names);
    return (char *)description.text.data;
}

static int look_for_privileges(void *context, const struct tree_entry *entry, struct error *err) {
    bool *found = context;
    AUTO_CLOSE int fd =
        S_ISREG(entry->st->st_mode) ? openat(entry->parent, entry->name, O_RDONLY | O_CLOEXEC) : -1;
    (void)err;
    if (fd >= 0 &&
        ((entry->st->st_mode & (S_ISUID | S_ISGID)) || fgetxattr(fd, CAPABILITY, NULL, 0) >= 0))
        *found = true;
    return 0;
}

bool layout_fixture_has_privileges(const struct root *root, const char *folder) {
    bool found = false;
    struct error err = {0};
    AUTO_CLOSE int fd = -1;
    must(root_open_dir(root, folder, &fd, &err), folder, &err);
    must(tree_walk(fd, folder, look_for_privileges, &found, &err), folder, &err);
    return found;
}

enum state_word layout_fixture_word(const struct root *root) {
    struct error err = {0};
    enum state_word word = STATE_NONE;
    must(state_word_read(root, &word, &err), "state word", &err);
    return word;
}

void layout_fixture_set_word(const struct root *root, enum state_word word) {
    struct error err = {0};
    must(state_word_write(root, word, &err), "state word", &err);
}

void layout_fixture_read(const struct root *root, struct layout_records *records) {
    struct error err = {0};
    *records = (struct layout_records){0};
    must(manifest_read(root, &records->manifest, NULL, &err), "manifest", &err);
    must(facts_read(root, &records->facts, &err), "facts", &err);
    records->removal =
        (struct removal){.root = root, .manifest = &records->manifest, .facts = &records->facts};
    must(ownership_context_make(root, &records->facts, &records->removal.context, &err), "context",
         &err);
}

void layout_fixture_write(const struct root *root, struct layout_records *records) {
    struct error err = {0};
    must(facts_write(root, &records->facts, &err), "facts", &err);
}

void layout_fixture_release(struct layout_records *records) {
    manifest_release(&records->manifest);
    facts_release(&records->facts);
}

size_t layout_fixture_entry(const struct layout_records *records, const char *path) {
    const struct manifest_entry *entry = manifest_find(&records->manifest, path);
    if (!entry)
        give_up(path, NULL);
    return (size_t)(entry - records->manifest.entries);
}

void layout_fixture_mount_state(struct root *root) {
    struct error err = {0};
    AUTO_FREE char *path = copy(root->path);
    const char *state = scratch_root_host(root, STATE_FOLDER);
    scratch_root_dir(root, STATE_FOLDER);
    if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", state, "tmpfs", 0, "mode=0700"))
        give_up("another file system", NULL);
    /* The descriptor would lead to the file systems from before. */
    root_close(root);
    must(root_open(root, path, &err), path, &err);
}

void layout_fixture_remove(struct root *root) {
    if (root_exists(root, STATE_FOLDER))
        umount2(scratch_root_host(root, STATE_FOLDER), MNT_DETACH);
    scratch_root_remove(root);
}
