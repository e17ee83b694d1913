/*
 * Removing a module that the real dkms registered, without dkms.
 *
 *     installed files of every chosen kernel, original modules back → depmod, once a kernel →
 * synced → the DKMS tree → look at what is left
 *
 * No marker is needed, it is an explicit request. prebake's lock is taken where its state folder
 * exists; dkms itself has none. Killed anywhere and run again it ends the same.
 */
#ifndef KMOD_DEREGISTER_H
#define KMOD_DEREGISTER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/root.h"

struct deregister_options {
    const char *name;
    const char *version;
    const char *kernel; /* only this release; NULL with `all` false: the one there is */
    bool all;           /* every kernel */
};

struct deregister_result {
    bool looked;      /* the request was taken: the rest is filled in */
    bool present;     /* there was something to remove */
    bool complete;    /* nothing of it is left */
    unsigned kernels; /* releases it was built or installed for and is no more */
    unsigned files;   /* installed files and weak-updates links removed */
    unsigned foreign; /* files in their places that are somebody else's: they stay */
    unsigned duration_ms;
};

/*
 * Removes it. What is not there is no error: present is false, complete true, nothing changed.
 * ERROR_USAGE: neither kernel nor all, and several kernels have it; they are named. ERROR_REFUSED:
 * no plain name, version or kernel; the root's own active bake, which `prebake-node teardown`
 * removes; something else where dkms has folders. ERROR_INCOMPLETE: something could not be removed,
 * the sentence names the first; what is registered then still is, and a second run goes on.
 * ERROR_LOCKED.
 */
int deregister_run(const struct root *root, const struct deregister_options *options,
                   struct deregister_result *result, struct error *err) MUST_CHECK;

#endif
