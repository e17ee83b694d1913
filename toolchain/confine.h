/*
 * Running code of the source (dkms.conf, make) where it can do no harm: an uid of its own without
 * capabilities, no network, nothing writable but its build directory and a private /tmp, and no
 * process of it left afterwards.
 *
 * With CAP_SYS_ADMIN that is a mount, PID, IPC and network namespace in which the target root's
 * /lib/modules, /usr/src and /usr/lib/linux-kbuild-* stand at their own places, the rest of the
 * file system is read-only, and the build directory stands at a fixed path, so that embedded paths
 * do not depend on where it is. Without (an unprivileged container, --root / only): the uid,
 * no_new_privs, a seccomp filter against sockets; leftovers of the uid are killed.
 */
#ifndef TOOLCHAIN_CONFINE_H
#define TOOLCHAIN_CONFINE_H

#include "base/error.h"
#include "base/process.h"
#include "base/root.h"

struct confine_spec {
    const struct root *root;  /* whose headers stand in the namespace */
    const char *build_dir;    /* this machine's directory, made writable for the build's uid */
    const char *build_mount;  /* where it stands inside: "/var/lib/dkms/M/V/build" */
    const char *source_dir;   /* NULL, or a directory bound read-only … */
    const char *source_mount; /* … here: "/usr/src/M-V" */
};

/* Whether namespaces can be had here (tried once, in a child). */
bool confine_has_namespaces(void);

/*
 * Gives `dir` and all below it to the build's uid, or back to root (lchown, no link followed).
 */
int confine_give(const char *dir, struct error *err) MUST_CHECK;

/*
 * As process_run(), confined. When it returns, every process that the program started is gone.
 * ERROR_REFUSED when the root is not "/" and namespaces can't be had: it says what to do.
 */
int confine_run(const struct confine_spec *confine, const struct process_spec *spec,
                struct process_result *result, struct error *err) MUST_CHECK;

#endif
