#include "builder/plan_steps.h"

#include <errno.h>
#include <stdio.h>

#include "kmod/lifecycle/state_folder.h"

static int describe_userspace(struct strlist *steps, const struct plan *plan) {
    const struct userspace *userspace = &plan->userspace;
    if (!plan->options->userspace)
        return 0;
    AUTO_FREE char *privileged = strlist_join(&userspace->privileged, ", ");
    return !privileged ||
           strlist_addf(steps,
                        "lay %s over %s/: %zu files, %zu links, %zu directories, %.1f MiB; with "
                        "setuid, setgid or capabilities: %s",
                        userspace->tree.path, plan->root->path, userspace->files, userspace->links,
                        userspace->dirs, (double)userspace->bytes / (1 << 20),
                        *privileged ? privileged : "none") ||
           strlist_addf(steps, "check that what it brings finds its libraries, run ldconfig");
}

static int describe_modules(struct strlist *steps, const struct plan *plan) {
    const struct kernel_headers *headers = &plan->headers;
    const struct dkms_conf *conf = &plan->conf;
    if (plan->options->bundle
            ? strlist_addf(steps, "take %s %s (%zu modules) for %s from the bundle %s", conf->name,
                           conf->version, conf->module_count, headers->release,
                           plan->options->bundle)
            : strlist_addf(steps, "compile %s %s (%zu modules) for %s with %s, %u jobs", conf->name,
                           conf->version, conf->module_count, headers->release, plan->compiler.name,
                           plan->options->jobs))
        return -ENOMEM;
    return strlist_addf(steps, "verify against %s%s: vermagic \"%s\", %s", plan->root->path,
                        headers->build_dir, headers->vermagic,
                        headers->modversions ? "symbol versions" : "symbols");
}

static int describe_bake(struct strlist *steps, const struct plan *plan) {
    const char *root = plan->root->path;
    const char *key = plan->options->sign_key;
    return describe_modules(steps, plan) ||
           strlist_addf(steps, "strip, %s%s, compress: %s", key ? "sign with " : "leave unsigned",
                        key ? key : "", compression_name(plan->compression)) ||
           strlist_addf(steps, "place in %s%s", root, plan->module_dirs.items[0]) ||
           strlist_addf(steps, "register with DKMS: %s%s, source %s%s", root, plan->dkms.kernel_dir,
                        plan->dkms.source_dir, plan->source_in_place ? " (already there)" : "") ||
           describe_userspace(steps, plan) ||
           strlist_addf(steps, "put prebake-node into %s/usr/sbin", root) ||
           strlist_addf(steps, "run depmod for %s", plan->headers.release) ||
           (plan->compat_marker &&
            strlist_addf(steps, "place the compat marker %s%s", root, plan->compat_marker)) ||
           strlist_addf(steps, "write manifest, facts, state and marker in %s" STATE_FOLDER, root);
}

int plan_steps_bake(const struct plan *plan, struct strlist *steps, struct error *err) {
    return describe_bake(steps, plan) ? error_oom(err, "describing the plan") : 0;
}

int plan_steps_build(const struct plan *plan, const char *output, struct strlist *steps,
                     struct error *err) {
    return describe_modules(steps, plan) ||
                   strlist_addf(steps, "strip, leave unsigned and unpacked") ||
                   strlist_addf(steps, "put the bundle and its source tree into %s", output)
               ? error_oom(err, "describing the plan")
               : 0;
}

void plan_steps_print(const struct strlist *steps) {
    for (size_t i = 0; i < steps->count; i++)
        printf("%zu. %s\n", i + 1, steps->items[i]);
}
