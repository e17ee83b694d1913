/*
 * The initramfs images in a root's /boot. A module inside one is loaded before any root file system
 * is there, and no teardown takes it out.
 */
#ifndef KMOD_INITRAMFS_H
#define KMOD_INITRAMFS_H

#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"
#include "kmod/system/build_id_search.h"

/* The modules that must not be in an image. */
struct initramfs_wanted {
    struct strlist places; /* "lib/modules/K/updates/dkms/nvidia": packed or not */
    struct build_id_search build_ids;
};

/* Adds a module: its file inside the root, and its build id in hex, "" for none. */
int initramfs_want(struct initramfs_wanted *wanted, const char *path, const char *build_id,
                   struct error *err) MUST_CHECK;

void initramfs_wanted_release(struct initramfs_wanted *wanted);

/*
 * Reads every image: the regular files in /boot and its folders whose name begins with "initrd" or
 * "initramfs". A module of another driver that is only called
 * the same, in another folder (a kernel's own), is not meant: its place and its build id differ.
 * `images` is their number. ERROR_DAMAGED: a wanted module is in one, and how to make the image
 * anew; or an image can't be read, so that nobody can say.
 */
int initramfs_check(const struct root *root, const struct initramfs_wanted *wanted,
                    unsigned *images, struct error *err) MUST_CHECK;

#endif
