/*
 * Looking for modules in initramfs images. A module inside one is loaded before any root file
 * system is there, and no teardown takes it out.
 */
#ifndef KMOD_INITRAMFS_H
#define KMOD_INITRAMFS_H

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"
#include "kmod/system/build_id_search.h"
#include "kmod/system/initramfs_files.h"

/* The modules that must not be in an image. */
struct initramfs_wanted {
    struct strlist places; /* "lib/modules/K/updates/dkms/nvidia": packed or not */
    struct build_id_search build_ids;
    struct strlist names; /* as the kernel has them ("nvidia_drm"), wherever they are */
};

/* Adds a module: its file inside the root ("" for none), and its build id in hex, "" for none. */
int initramfs_want(struct initramfs_wanted *wanted, const char *path, const char *build_id,
                   struct error *err) MUST_CHECK;

void initramfs_wanted_release(struct initramfs_wanted *wanted);
#define AUTO_INITRAMFS_WANTED AUTO(initramfs_wanted_release)

/* What one image holds. */
struct initramfs_finding {
    char *module;        /* the path in it of the first module that is wanted, or NULL */
    struct error reason; /* why it can't be read to its end, so that nobody can say; or none */
};

/*
 * Reads one image. A module of another driver that is only called the same, in another folder (a
 * kernel's own), is not meant: its place and its build id differ. What can't be read is in the
 * finding and no error; −ENOMEM and −EINTR are. The caller releases.
 */
int initramfs_inspect(const struct root *root, const struct initramfs_wanted *wanted,
                      const char *path, struct initramfs_finding *finding,
                      struct error *err) MUST_CHECK;

/* ERROR_DAMAGED for a finding that is not clean: −EEXIST, the module and how to make the image
 * anew, or −EBADMSG and why it can't be read. Else 0. */
int initramfs_judge(const struct root *root, const char *path,
                    const struct initramfs_finding *finding, struct error *err) MUST_CHECK;

/*
 * Reads every one of `files` that is not in `clean`, the images that were read before and had
 * nothing; the first that is not clean is the error, as initramfs_judge().
 */
int initramfs_check(const struct root *root, const struct initramfs_wanted *wanted,
                    const struct initramfs_files *clean, const struct initramfs_files *files,
                    struct error *err) MUST_CHECK;

void initramfs_finding_release(struct initramfs_finding *finding);
#define AUTO_INITRAMFS_FINDING AUTO(initramfs_finding_release)

#endif
