/* Names and links that come from a source or an archive: do they stay inside its own tree? */
#ifndef TOOLCHAIN_CONTAINMENT_H
#define TOOLCHAIN_CONTAINMENT_H

#include <stdbool.h>

#include "base/cleanup.h"

/*
 * "./a//b/" becomes "a/b", "./" becomes ""; the caller frees. −EXDEV: it is absolute or has a "..";
 * −ENAMETOOLONG: longer than 4096 bytes, a component longer than 255, or deeper than 64 levels;
 * −ENOMEM.
 */
int containment_normalise(const char *raw, char **path) MUST_CHECK;

/*
 * Opens (O_PATH) the folder below `top` that holds the normalised `path` and points `name` at the
 * last component. No link is followed; missing folders are made (0755) when `create` says so.
 * −ENOTDIR: the way leads through a link or a file; any other −errno as the system gives it.
 */
int containment_open_folder(int top, const char *path, bool create, int *folder,
                            const char **name) MUST_CHECK;

/*
 * Whether the symbolic link `path` (normalised, below the directory `top`) with this target leads
 * out of the tree. An absolute or empty target does. Otherwise both its words and the kernel are
 * asked: words alone miss a way out through another link, the kernel a target that is yet to come.
 */
bool containment_link_leads_out(int top, const char *path, const char *target);

#endif
