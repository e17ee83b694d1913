/* Paths of a legacy image's known places, and what was found out about each. */
#ifndef KMOD_LEGACY_PATHS_H
#define KMOD_LEGACY_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* A copy is in the system's own library folder, no known place: it is looked at only because a
 * library has its name. */
enum legacy_class {
    LEGACY_MODULE,  /* a file in a kernel's updates/dkms */
    LEGACY_LIBRARY, /* a file or link in the library folder */
    LEGACY_COPY,
    LEGACY_PROGRAM, /* in /usr/bin */
    LEGACY_CONFIG,  /* the loader's configuration */
    LEGACY_FOLDER,  /* of libraries or copies: it goes when it is empty */
};

#define LEGACY_COPY_RANK 32 /* above every original's */

struct legacy_path {
    enum legacy_class class;
    char *path; /* inside the root, without links in its folders */
    bool owned; /* a package's */
    bool ours;  /* proven to be of the marker's version; never when it is owned */
    /* What proves another path goes after it: a link's target after the link, a library after its
     * copy. Removed from the highest rank down. */
    unsigned rank;
    size_t original; /* of a LEGACY_COPY: the index of what it may be a copy of */
};

struct legacy_paths {
    struct legacy_path *items;
    size_t count;
};

/* Adds a copy of `path`. The new entry, or NULL when out of memory; valid until the next call. */
struct legacy_path *legacy_paths_add(struct legacy_paths *paths, enum legacy_class class,
                                     const char *path);

/* The entry of that path that is ours, or NULL. */
const struct legacy_path *legacy_paths_find_ours(const struct legacy_paths *paths,
                                                 const char *path);

void legacy_paths_release(struct legacy_paths *paths);
#define AUTO_LEGACY_PATHS AUTO(legacy_paths_release)

#endif
