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
 * Copies the source into the build directory, applies patches, runs PRE_BUILD, the make command and
 * POST_BUILD. Then collects each built module: a regular file with one link, at most 512 MiB,
 * copied to `<collect_dir>/<dest_name>.ko` (0644, root) out of the build's reach after its last
 * process is gone. Progress goes to log_progress(). ERROR_BUILD carries the first real error of the
 * log
 * ("nv-pci.c:223: error: …", build_log.h) and the log's path; a module that was not built is named.
 */
int kbuild_run(const struct kbuild_spec *spec, const char *collect_dir,
               struct error *err) MUST_CHECK;

#endif
