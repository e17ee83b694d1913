/*
 * What a root's dynamic loader finds without looking into folders: /etc/ld.so.cache as ldconfig(8)
 * of glibc 2.2 and later writes it (sysdeps/generic/dl-cache.h). Numbers are in the byte order of
 * the machine that the cache is for.
 *
 *      0  "glibc-ld.so.cache1.1"
 *     20  u32 how many entries
 *     24  u32 bytes of strings
 *     28  u8  byte order in its two lowest bits: 0 not said, 2 little, 3 big
 *     29  3 unused bytes, u32 where extensions are, 12 unused bytes
 *     48  the entries, 24 bytes each
 *           0  u32 flags
 *           4  u32 where the library's name is ("libc.so.6"), from byte 0
 *           8  u32 where its path is ("/lib/x86_64-linux-gnu/libc.so.6")
 *          12  u32 unused, u64 hwcap
 *      …  the strings, each with its NUL; extensions
 *
 * Caches made to be read by older loaders too begin with those' own format; all of the above then
 * follows at the next multiple of eight, and is what counts:
 *
 *      0  "ld.so-1.7.0", an unused byte
 *     12  u32 how many entries
 *     16  the entries, 12 bytes each
 */
#ifndef KMOD_LD_SO_CACHE_H
#define KMOD_LD_SO_CACHE_H

#include "base/root.h"
#include "base/strlist.h"

#define LD_SO_CACHE "/etc/ld.so.cache"

/*
 * Adds the path of every entry to `libraries`, in their order. A root without a cache has none, and
 * *present says so. ERROR_DAMAGED: it is no such cache, or leads outside its own bytes.
 */
int ld_so_cache_read(const struct root *root, struct strlist *libraries, bool *present,
                     struct error *err) MUST_CHECK;

/* The same for bytes already in memory; `name` is for the sentence. */
int ld_so_cache_parse(const void *data, size_t size, const char *name, struct strlist *libraries,
                      struct error *err) MUST_CHECK;

#endif
