/*
 * Running code of the source (dkms.conf, make) where it can do no harm: an uid of its own without
 * capabilities (build_user.h), no network, nothing writable but its build directory and a private
 * /tmp, and no process of it left afterwards.
 *
 * With CAP_SYS_ADMIN that is a mount, PID, IPC, UTS and network namespace with a tree of its own
 * (confine_mounts.h), in which the build directory stands at a fixed path, so that embedded paths
 * do not depend on where it is. Without (an unprivileged container, --root / only): the uid,
 * no_new_privs, the system call filter; the build directory is used in place, and what the program
 * left running is killed.
 *
 * A process with other children must not call confine_run(): it ends every child that is left.
 */
#ifndef TOOLCHAIN_CONFINE_H
#define TOOLCHAIN_CONFINE_H

#include "base/error.h"
#include "base/process.h"
#include "base/root.h"

struct confine_spec {
    const struct root *root;  /* whose headers stand in the namespace */
    const char *build_dir;    /* this machine's directory of the build's user, or NULL … */
    const char *build_mount;  /* … where it stands inside: "/var/lib/dkms/M/V/build" */
    const char *source_dir;   /* NULL, or a directory bound read-only … */
    const char *source_mount; /* … here: "/usr/src/M-V" */
};

/* Whether namespaces can be had here (tried once, in a child). */
bool confine_has_namespaces(void);

/*
 * As process_run(), confined; `directory` is a path inside. When it returns, every process that the
 * program started is gone. A program ended by signal N gives exit status 128 + N.
 * ERROR_REFUSED when the root is not "/" and namespaces can't be had: it says what to do.
 */
int confine_run(const struct confine_spec *confine, const struct process_spec *spec,
                struct process_result *result, struct error *err) MUST_CHECK;

#endif
