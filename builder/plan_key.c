#include "builder/plan_key.h"

#include <errno.h>
#include <stdio.h>

int plan_key_load(struct plan *plan, struct error *err) {
    const struct bake_options *options = plan->options;
    if (!options->sign_key) {
        if (plan->headers.signature_forced)
            return error_set(err, ERROR_SIGNING, EKEYREJECTED,
                             "the kernel %s takes signed modules only (CONFIG_MODULE_SIG_FORCE): "
                             "give --sign-key and --sign-cert",
                             plan->headers.release);
        return 0;
    }
    if (!*plan->headers.signature_hash)
        return error_set(err, ERROR_SIGNING, EINVAL,
                         "the kernel %s has no module signatures (CONFIG_MODULE_SIG): bake without "
                         "--sign-key",
                         plan->headers.release);
    AUTO_FREE char *sign_file = root_host_path(plan->root, plan->headers.build_dir);
    AUTO_FREE char *tool = NULL;
    if (!sign_file || asprintf(&tool, "%s/scripts/sign-file", sign_file) < 0)
        return error_oom(err, "loading the signing key");
    struct signing_key_source source = {
        .key = options->sign_key,
        .certificate = options->sign_cert,
        .passphrase_path = options->passphrase_file,
        .sign_file = tool,
    };
    return signing_key_load(&source, &plan->key, err);
}
