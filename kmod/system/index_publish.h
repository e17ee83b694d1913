/* Putting depmod's files in place. */
#ifndef KMOD_INDEX_PUBLISH_H
#define KMOD_INDEX_PUBLISH_H

#include "base/error.h"
#include "base/root.h"
#include "kmod/system/index_store.h"

/*
 * Publishes the files `names` of `folder` (inside the root) as the kernel's index, 0644 root:root,
 * modules.dep.bin last if it is among them: until then modprobe resolves what it resolved before.
 * They are copied and not renamed, which would bring the store's security label along.
 */
int index_publish(const struct root *root, const struct index_store *paths, const char *folder,
                  const struct strlist *names, struct error *err) MUST_CHECK;

#endif
