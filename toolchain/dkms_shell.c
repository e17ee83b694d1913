#include "toolchain/dkms_shell.h"

#include "base/buffer.h"
#include "toolchain/workplace.h"

/* Values arrive as arguments, so that no text of ours is ever quoted into a program. */
static const char PRELUDE[] = "shopt -s extglob\n"
                              "kernelver=$1 arch=$2 module=$3 module_version=$4\n"
                              "parallel_jobs=$5 dkms_tree=$6\n"
                              "source_tree=/usr/src install_tree=/lib/modules\n"
                              "kernel_source_dir=/lib/modules/$kernelver/build\n"
                              "kernel_config=$kernel_source_dir/.config\n"
                              "build_dir=$dkms_tree/$module/$module_version/build\n"
                              "source_dir=/usr/src/$module-$module_version\n"
                              "shift 6\n";

static int make_arguments(const struct dkms_shell *shell, const char *program,
                          const char *const *arguments, struct strlist *argv) {
    static const char *const timeout[] = {"/usr/bin/timeout", "--signal=KILL"};
    static const char *const bash[] = {"/usr/bin/bash", "--norc", "--noprofile", "-c"};
    int rc = 0;
    for (size_t i = 0; !rc && shell->time_limit && i < ARRAY_SIZE(timeout); i++)
        rc = strlist_add(argv, timeout[i]);
    if (!rc && shell->time_limit)
        rc = strlist_add(argv, shell->time_limit);
    for (size_t i = 0; !rc && i < ARRAY_SIZE(bash); i++)
        rc = strlist_add(argv, bash[i]);
    if (!rc)
        rc = strlist_addf(argv, "%s%s", PRELUDE, program);
    const char *const variables[] = {"dkms", shell->release, shell->machine, shell->module,
                                     shell->module_version};
    for (size_t i = 0; !rc && i < ARRAY_SIZE(variables); i++)
        rc = strlist_add(argv, variables[i]);
    if (!rc)
        rc = strlist_addf(argv, "%u", shell->jobs);
    if (!rc)
        rc = strlist_add(argv, workplace_dkms_tree());
    for (size_t i = 0; !rc && arguments[i]; i++)
        rc = strlist_add(argv, arguments[i]);
    return rc;
}

int dkms_shell_run(const struct dkms_shell *shell, const struct confine_spec *confine,
                   const char *program, const char *const *arguments,
                   const struct process_spec *spec, struct process_result *result,
                   struct error *err) {
    AUTO_STRLIST struct strlist argv = {0};
    if (make_arguments(shell, program, arguments, &argv))
        return error_oom(err, "starting bash");
    struct process_spec inner = *spec;
    inner.argv = (const char *const *)argv.items;
    return confine_run(confine, &inner, result, err);
}
