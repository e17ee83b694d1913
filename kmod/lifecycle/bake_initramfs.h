/*
 * The modules of a bake in the root's initramfs images.
 *
 * Reading an image takes a second or more, so a bake and a seal, which read all of them, record
 * those that have none (facts->initramfs): a teardown then looks at them, and reads what is new.
 */
#ifndef KMOD_BAKE_INITRAMFS_H
#define KMOD_BAKE_INITRAMFS_H

#include "kmod/lifecycle/derived.h"
#include "kmod/lifecycle/removal.h"
#include "kmod/system/initramfs.h"

/*
 * What must be in no image: the bake's modules by build id, and by the places of those that are not
 * somebody else's now. In the same place for other kernels a module counts that DKMS derived, or
 * that is not there any more, as it is after a teardown: an image that has it was made before.
 * `derived` may be NULL.
 */
int bake_initramfs_want(const struct removal *removal, const struct facts *facts,
                        const struct derived *derived, struct initramfs_wanted *wanted,
                        struct error *err) MUST_CHECK;

/* Adds the module at `place` ("/updates/dkms/nvidia.ko") of a kernel, unless one is there now: that
 * is somebody else's. */
int bake_initramfs_want_gone(const struct root *root, const char *kernel, const char *place,
                             struct initramfs_wanted *wanted, struct error *err) MUST_CHECK;

/*
 * Looks whether the root's images are without modules of the bake: the recorded ones are, others
 * are read. 0, or as initramfs_check(): −EEXIST for one that has a module, another error where that
 * can't be said.
 */
int bake_initramfs_check(const struct removal *removal, const struct facts *facts,
                         const struct derived *derived, struct error *err) MUST_CHECK;

/*
 * Reads all images, recorded or not, and records them in the facts, which are not written yet.
 * *changed says whether the record did, `count` how many images there are. Errors as above, the
 * record is as it was then.
 */
int bake_initramfs_record(const struct root *root, const struct initramfs_wanted *wanted,
                          struct facts *facts, unsigned *count, bool *changed,
                          struct error *err) MUST_CHECK;

#endif
