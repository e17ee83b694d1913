/* Compiling a DKMS source for one kernel: what `dkms build` does, confined. */
#ifndef TOOLCHAIN_KBUILD_H
#define TOOLCHAIN_KBUILD_H

#include "toolchain/compiler.h"
#include "toolchain/dkms_conf.h"
#include "toolchain/source.h"

struct kbuild_spec {
    const struct root *root;
    const struct source *source;
    const struct kernel_headers *headers;
    const struct compiler *compiler;
    const struct dkms_conf *conf;
    unsigned jobs;
    const char *work_dir; /* private empty 0700 directory of the caller; the build goes below it */
    const char *log_path; /* where make.log is written on this machine */
};

/*
 * Copies the source into the build directory, applies patches, runs PRE_BUILD and the make command.
 * Then collects each built module: a regular file with one link, at most 512 MiB, copied to
 * `<collect_dir>/<dest_name>.ko` (0644, root) out of the build's reach after its last process is
 * gone. POST_BUILD runs last, as with dkms, and can't change what was collected. As with dkms, a
 * PRE_BUILD or POST_BUILD that fails is a warning.
 *
 * Progress goes to log_progress(). ERROR_BUILD carries the first real error of the log
 * ("nv-pci.c:223: error: …", build_log.h), ERROR_NO_SPACE when that is a full file system; a module
 * that was not built is named. The log stays for the caller to keep and to name.
 */
int kbuild_run(const struct kbuild_spec *spec, const char *collect_dir,
               struct error *err) MUST_CHECK;

#endif
