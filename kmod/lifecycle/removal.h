/* Removing what a manifest lists, a class of paths at a time, and only what still is ours. */
#ifndef KMOD_REMOVAL_H
#define KMOD_REMOVAL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/ownership.h"

/* In the order in which a teardown removes them. */
enum removal_class {
    REMOVAL_MODULES, /* below a kernel's /lib/modules folder */
    REMOVAL_DKMS,    /* below /var/lib/dkms */
    REMOVAL_REST,    /* sources, userspace */
};

struct removal {
    const struct root *root;
    const struct manifest *manifest;
    const struct facts *facts; /* NULL when they are lost: content decides */
    struct ownership_context context;
    bool resumed; /* another run was killed while things moved */
};

struct removal_count {
    unsigned foreign;
    unsigned left; /* ours, and could not be removed */
};

/* Whose the path of `entry`, one of the removal's manifest, is now (ownership.h). */
int removal_ownership(const struct removal *removal, const struct manifest_entry *entry,
                      enum ownership *ownership, struct error *err) MUST_CHECK;

/* What was recorded of entry `i` of the removal's manifest; NULL when nothing was. */
const struct facts_placed *removal_placed(const struct removal *removal, size_t i);

enum removal_class removal_class_of(const char *path);

/* Whether a module file that the bake placed for `kernel` is somebody else's now: one that no index
 * from before the bake knows. */
int removal_foreign_module(const struct removal *removal, const char *kernel, bool *found,
                           struct error *err) MUST_CHECK;

/*
 * Removes the files and links of one class that still are ours; goes on past failures and returns
 * the first (what is left is counted by removal_look()).
 */
int removal_files(const struct removal *removal, enum removal_class class,
                  struct error *err) MUST_CHECK;

/* Removes one path of the manifest when it still is ours; one that is not in it, or NULL, is no
 * error. */
int removal_path(const struct removal *removal, const char *path, struct error *err) MUST_CHECK;

/* Adds to `paths` the files and links of one class that still are ours: those that could not be
 * removed. */
int removal_left(const struct removal *removal, enum removal_class class, struct strlist *paths,
                 struct error *err) MUST_CHECK;

/* Removes the directories of the manifest that are empty, innermost first. */
int removal_dirs(const struct removal *removal, struct error *err) MUST_CHECK;

/*
 * Looks at what is there now. `err` gets the first path of ours that is left; the return value is
 * an error only when it could not look.
 */
int removal_look(const struct removal *removal, struct removal_count *count,
                 struct error *err) MUST_CHECK;

#endif
