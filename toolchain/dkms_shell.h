/* The shell that dkms.conf and its build commands are written for: bash, with dkms' variables. */
#ifndef TOOLCHAIN_DKMS_SHELL_H
#define TOOLCHAIN_DKMS_SHELL_H

#include "toolchain/confine.h"

struct dkms_shell {
    const char *release; /* kernelver */
    const char *machine; /* arch */
    const char *module;  /* "" while it is not known yet; likewise the next */
    const char *module_version;
    unsigned jobs;          /* parallel_jobs */
    const char *time_limit; /* seconds, or NULL: then it ends with exit status 137 */
};

/*
 * Runs `program` (bash) confined, with `arguments` (NULL-terminated) as $1…; `spec` says the rest,
 * its argv is ignored. Set, not exported: kernelver, arch, module, module_version, parallel_jobs,
 * dkms_tree, source_tree, install_tree, kernel_source_dir, kernel_config, build_dir, source_dir.
 */
int dkms_shell_run(const struct dkms_shell *shell, const struct confine_spec *confine,
                   const char *program, const char *const *arguments,
                   const struct process_spec *spec, struct process_result *result,
                   struct error *err) MUST_CHECK;

#endif
