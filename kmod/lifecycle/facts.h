/*
 * Facts about a bake that the manifest's format cannot hold; facts_write.h and facts_read.h turn
 * them into JSON in the state folder and back.
 */
#ifndef KMOD_FACTS_H
#define KMOD_FACTS_H

#include <stdint.h>
#include <sys/stat.h>

#include "base/digest.h"
#include "base/error.h"
#include "base/root.h"
#include "base/strlist.h"
#include "kmod/lifecycle/xattrs.h"
#include "kmod/system/compared_files.h"
#include "kmod/system/initramfs_files.h"
#include "kmod/system/loader_cache.h"
#include "kmod/system/module_index.h"

#define FACTS_FORMAT 1
#define FACTS_ACTIVE "active" /* the words of `layout` */
#define FACTS_PARKED "parked"
#define FACTS_SIZE_MAX (8 * 1024 * 1024)

/* One baked module file. Strings are owned, never NULL after facts_read(); "" when unknown. */
struct facts_module {
    char *path; /* inside the root, while active */
    char *name; /* .modinfo name=, as the kernel lists it: "nvidia_drm" */
    char *build_id;
    char *srcversion;
    char *signer;
    char *key_id;
};

/*
 * What the system knows of a manifest entry after placing. No device number: it does not survive a
 * reboot. ctime is what nobody can set, so inode and ctime together name one placing of one file.
 */
struct facts_placed {
    uint64_t inode; /* 0: not recorded */
    int64_t ctime_ns;
    uint32_t link_group; /* entries with the same number are one file; 0 for a single link */
    struct xattrs xattrs;
};

/* The DKMS registration; `name` is "" when there is none. */
struct facts_dkms {
    char *name;
    char *version;
    char *machine;
    struct strlist kernels;
};

/* The manifest file itself, as it was published. */
struct facts_manifest {
    char sha256[DIGEST_HEX_SIZE];
    uint64_t inode;
    int64_t ctime_ns;
};

struct facts {
    char *kernel;
    char *machine;
    char *driver_kind;
    char *module; /* DKMS name of the source */
    char *driver_version;
    char *bundle; /* its id */
    char *layout; /* FACTS_ACTIVE or FACTS_PARKED: where things are, and `placed` speaks of */
    char *compression;
    char *symvers_sha256; /* of the target's Module.symvers */
    char *compat_marker;  /* a path of the manifest that is there only while active; or "" */
    char *supported_gpus; /* digest of the list that the driver came with; "" without */
    char *userspace;      /* digest of what was laid over the root; "" for modules alone */
    struct facts_module *modules;
    size_t module_count;
    struct strlist pci_aliases;
    struct facts_placed *placed; /* placed[i] belongs to entry i of the sorted manifest */
    size_t placed_count;
    struct module_index *indexes; /* one a kernel */
    size_t index_count;
    struct compared_files compared;   /* modules that DKMS derived, with its own copies of them */
    struct initramfs_files initramfs; /* read, and without any of the modules */
    struct loader_cache loader;
    struct facts_manifest manifest;
    struct facts_dkms dkms;
};

/*
 * Makes room for one more element at the end, all zero, and returns it; NULL when out of memory.
 * What is put into it belongs to the facts.
 */
struct facts_module *facts_add_module(struct facts *facts);
struct facts_placed *facts_add_placed(struct facts *facts);
struct module_index *facts_add_index(struct facts *facts);

/* Fills inode, ctime and xattrs of `placed` from `path` as it is now beneath the root. */
int facts_record_placed(const struct root *root, const char *path, struct facts_placed *placed,
                        struct error *err) MUST_CHECK;

/* Fills facts->manifest's inode and ctime from the state folder's manifest as it is now. */
int facts_record_manifest(const struct root *root, struct facts *facts,
                          struct error *err) MUST_CHECK;

/* Adds the paths of the module files that are below /lib/modules/KERNEL, whatever /lib is. A kernel
 * without a folder has none. */
int facts_modules_of(const struct facts *facts, const struct root *root, const char *kernel,
                     struct strlist *paths, struct error *err) MUST_CHECK;

/* Forgets the kernel's index. */
void facts_remove_index(struct facts *facts, size_t i);

void facts_release(struct facts *facts);
#define AUTO_FACTS AUTO(facts_release)

#endif
