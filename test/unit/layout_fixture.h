/*
 * A root with a bake, made without a compile: a module with its index, a source, a DKMS
 * registration, a compat marker, and a userspace with everything that is hard to move: privileged
 * files, files with several names, links, odd owners and attributes. Every function ends the
 * program when it can't do its work.
 */
#ifndef TEST_UNIT_LAYOUT_FIXTURE_H
#define TEST_UNIT_LAYOUT_FIXTURE_H

#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/removal.h"
#include "kmod/lifecycle/state_word.h"
#include "test/unit/small_kernel.h"

#define BAKED_MODULES "/usr/lib/modules/" SMALL_KERNEL "/updates/dkms"
#define BAKED_MODULE BAKED_MODULES "/ours.ko"
#define BAKED_SOURCE "/usr/src/ours-1.0"
#define BAKED_SOURCE_FILE BAKED_SOURCE "/dkms.conf"
#define BAKED_DKMS "/var/lib/dkms/ours"
#define BAKED_SOURCE_LINK BAKED_DKMS "/1.0/source"
#define BAKED_BUILT BAKED_DKMS "/1.0/" SMALL_KERNEL "/x86_64/module/ours.ko"
#define BAKED_COMPAT "/opt/driver-marker"
#define BAKED_SETUID "/usr/bin/ours-modprobe"       /* 4755, and a file capability */
#define BAKED_SETUID_TWIN "/usr/sbin/ours-modprobe" /* its second name */
#define BAKED_CAPABLE "/usr/bin/ours-ping"          /* 0755, and a file capability */
#define BAKED_PAIR "/usr/lib/ours-a.so"
#define BAKED_PAIR_TWIN "/usr/lib/ours-b.so" /* its second name */
#define BAKED_LINK "/usr/lib/ours.so"
#define BAKED_ODD_DIR "/usr/share/ours"      /* 0750, gid 8, with an attribute */
#define BAKED_ODD_FILE BAKED_ODD_DIR "/note" /* 0640, uid 7, gid 8, with an attribute */

/* Where a path of the manifest is while the bake is parked, as a constant. */
#define BAKED_KEPT(path) "/var/lib/prebake/store/parked" path

/* Makes the root as it is before the bake: a kernel with its index, somebody else's files. */
void layout_fixture_make(struct root *root);

/* Bakes: the state is `active` afterwards. */
void layout_fixture_bake(const struct root *root);

/*
 * One line for each path below /opt, /usr and /var/lib/dkms: type, mode, owner, links, the first
 * name of the same file, time (not of a directory), attributes, content. The caller frees.
 */
char *layout_fixture_snapshot(const struct root *root);

/* Whether anything below `folder` has setuid, setgid or a file capability. */
bool layout_fixture_has_privileges(const struct root *root, const char *folder);

enum state_word layout_fixture_word(const struct root *root);
void layout_fixture_set_word(const struct root *root, enum state_word word);

/* The records of the root, as a command reads them. */
struct layout_records {
    struct manifest manifest;
    struct facts facts;
    struct removal removal;
};

void layout_fixture_read(const struct root *root, struct layout_records *records);
void layout_fixture_release(struct layout_records *records);

/* Writes the facts back. */
void layout_fixture_write(const struct root *root, struct layout_records *records);

/* The place of `path` in the manifest. */
size_t layout_fixture_entry(const struct layout_records *records, const char *path);

/* Puts another file system at the state folder of a root that has none yet, in a mount namespace of
 * this program's own. The root is opened anew. */
void layout_fixture_mount_state(struct root *root);

/* Removes the root with all it holds, mounted or not. */
void layout_fixture_remove(struct root *root);

#endif
