/* What modprobe would load by the names of a bake's modules. */
#ifndef KMOD_RESOLUTION_H
#define KMOD_RESOLUTION_H

#include <stdbool.h>

#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/removal.h"

/* Of several, the last that applies to any of them. */
enum resolution {
    RESOLUTION_OWN,     /* each module's own file */
    RESOLUTION_NONE,    /* nothing, or a file that is gone */
    RESOLUTION_FOREIGN, /* somebody else's file */
};

/*
 * What modprobe finds for the bake's modules in that kernel. Without a module it is nothing.
 * RESOLUTION_FOREIGN: *other (NULL before) is the first such file, inside the root; the caller
 * frees.
 */
enum resolution resolution_in(const struct root *root, const struct facts *facts,
                              const char *kernel, char **other);

/* The same for every kernel whose index has the bake. Without a kernel it is nothing. */
enum resolution resolution_of(const struct root *root, const struct facts *facts, char **other);

/* ERROR_DAMAGED: modprobe does not find a module of the active bake in its own kernel, although
 * depmod has made the index. Somebody else's that it finds are not looked for. */
int resolution_check(const struct root *root, const struct facts *facts,
                     struct error *err) MUST_CHECK;

/*
 * Of a bake that is being torn down: whether the index of one of its kernels, or of `others`,
 * resolves the name of one of its modules to a file that is the bake's, or to one that is gone: an
 * index that depmod has not seen since. A file that is somebody else's by now does not count, at
 * the bake's own path (a customer's driver of the same name) or at another: it is to be loaded.
 */
bool resolution_of_ours(const struct removal *removal, const struct facts *facts,
                        const struct strlist *others);

#endif
