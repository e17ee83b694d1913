/* Places of a root that are not for a userspace or a compat marker. */
#ifndef BUILDER_RESERVED_PLACE_H
#define BUILDER_RESERVED_PLACE_H

struct reserved_place {
    const char *path;
    const char *why; /* the end of a sentence */
};

/*
 * The first that `path`, absolute inside the root, is or is in, as it is written or where its links
 * lead (`place`, root_resolve_place()); NULL when it may be used.
 */
const struct reserved_place *reserved_place_of(const char *path, const char *place);

#endif
