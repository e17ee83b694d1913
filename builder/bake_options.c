#include "builder/bake_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/workers.h"
#include "kmod/lifecycle/facts.h"

#define JOBS_MAX 1024

static int read_jobs(const char *text, unsigned *jobs, struct error *err) {
    if (!text) {
        *jobs = workers_processors();
        return 0;
    }
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || text[0] < '0' || text[0] > '9' || value < 1 || value > JOBS_MAX)
        return error_set(err, ERROR_USAGE, EINVAL, "--jobs takes a number from 1 to %d, not '%s'",
                         JOBS_MAX, text);
    *jobs = (unsigned)value;
    return 0;
}

static const char *or_default(const char *value, const char *fallback) {
    return value ? value : fallback;
}

static int check_signing(const struct bake_options *options, struct error *err) {
    if (!options->sign_key != !options->sign_cert)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--sign-key and --sign-cert go together: the certificate is what the "
                         "signature is checked with");
    if (options->passphrase_file && !options->sign_key)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--passphrase-file %s has no key to open: it goes with --sign-key",
                         options->passphrase_file);
    if (options->require_signature && !options->sign_key)
        return error_set(
            err, ERROR_SIGNING, EINVAL,
            "--require-signature needs --sign-key and --sign-cert: prebake never makes "
            "a key itself");
    return 0;
}

int bake_options_read(const struct command_call *call, struct bake_options *options,
                      struct error *err) {
    *options = (struct bake_options){
        .source = command_value(call, "source"),
        .bundle = command_value(call, "bundle"),
        .kernel = command_value(call, "kernel"),
        .sign_key = command_value(call, "sign-key"),
        .sign_cert = command_value(call, "sign-cert"),
        .passphrase_file = command_value(call, "passphrase-file"),
        .compress = or_default(command_value(call, "compress"), "auto"),
        .driver_kind = or_default(command_value(call, "driver-kind"), "cuda"),
        .compat_marker = command_value(call, "compat-marker"),
        .parked = !strcmp(or_default(command_value(call, "layout"), FACTS_ACTIVE), FACTS_PARKED),
        .supported_gpus = command_value(call, "supported-gpus"),
        .userspace = command_value(call, "userspace"),
        .cache = command_value(call, "cache"),
        .require_signature = command_given(call, "require-signature"),
        .allow_cc_mismatch = command_given(call, "allow-cc-mismatch"),
        .ignore_scripts = command_given(call, "ignore-scripts"),
        .replace = command_given(call, "replace"),
        .dry_run = command_given(call, "dry-run"),
        .json = command_given(call, "json"),
    };
    if (!options->source && !options->bundle)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--source is missing: name a DKMS source tree or a .deb that carries one");
    int rc = read_jobs(command_value(call, "jobs"), &options->jobs, err);
    return rc ? rc : check_signing(options, err);
}
