/* The user that runs code of the source: one that owns nothing, may nothing, and is nobody else. */
#ifndef TOOLCHAIN_BUILD_USER_H
#define TOOLCHAIN_BUILD_USER_H

#include "base/error.h"

/*
 * uid and gid. In the range that Debian keeps for itself (60000–64999) and gave to no package,
 * above what adduser and systemd hand out, and below 65536, so that a container's id mapping has
 * it.
 */
#define BUILD_USER_ID 64741

/* Gives `dir` and all below it to the build's user; links themselves, never what they lead to. */
int build_user_give(const char *dir, struct error *err) MUST_CHECK;

/*
 * Turns the calling process, between fork and exec, into the build's user: no supplementary group,
 * no capability, no way to gain any, bounded resources, a session of its own, killed with its
 * parent. −errno; there is no way back.
 */
int build_user_become(void) MUST_CHECK;

#endif
