/* What `prebake bake` was asked for. */
#ifndef BUILDER_BAKE_OPTIONS_H
#define BUILDER_BAKE_OPTIONS_H

#include <stdbool.h>

#include "base/command.h"

/* Strings belong to the command call. */
struct bake_options {
    const char *source;
    const char *kernel; /* NULL: the only one with headers */
    const char *sign_key;
    const char *sign_cert;
    const char *passphrase_file;
    const char *compress; /* "auto" or a format's name */
    const char *driver_kind;
    bool parked;               /* the layout that the image is to have, else active */
    const char *compat_marker; /* NULL: none */
    const char *userspace;     /* NULL: modules alone */
    const char *cache;         /* NULL: the bundle is not kept */
    unsigned jobs;
    bool require_signature;
    bool allow_cc_mismatch;
    bool ignore_scripts;
    bool replace;
    bool dry_run;
    bool json;
};

/*
 * Reads and checks the options. ERROR_USAGE; ERROR_SIGNING for --require-signature without a key.
 */
int bake_options_read(const struct command_call *call, struct bake_options *options,
                      struct error *err) MUST_CHECK;

#endif
