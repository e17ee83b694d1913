/* What `prebake bake`, and its two halves `build` and `install`, were asked for. */
#ifndef BUILDER_BAKE_OPTIONS_H
#define BUILDER_BAKE_OPTIONS_H

#include <stdbool.h>

#include "base/command.h"

/* Strings belong to the command call. */
struct bake_options {
    const char *source; /* NULL: the one in the bundle */
    const char *bundle; /* NULL: compile, or take from the cache */
    const char *kernel; /* NULL: the only one with headers, or the bundle's */
    const char *sign_key;
    const char *sign_cert;
    const char *passphrase_file;
    const char *compress; /* "auto" or a format's name */
    const char *driver_kind;
    bool parked;                /* the layout that the image is to have, else active */
    const char *compat_marker;  /* NULL: none */
    const char *supported_gpus; /* NULL: those that the modules name */
    const char *userspace;      /* NULL: modules alone */
    const char *cache;          /* NULL: the bundle is not kept */
    unsigned jobs;
    bool require_signature;
    bool allow_cc_mismatch;
    bool ignore_scripts;
    bool replace;
    bool dry_run;
    bool json;
};

/* The rows of a verb's table: of one that compiles … */
#define BAKE_OPTIONS_COMPILING                                                                     \
    {"source", "SRC", "a DKMS source tree, or a .deb or tarball with one", NULL},                  \
        {"kernel", "RELEASE", "the kernel (default: the only one with headers)", NULL},            \
        {"jobs", "N", "compile with N processes, pack with N (default: processors)", NULL},        \
        {"cache", "DIR", "keep finished builds in DIR and use what is there", NULL}, {             \
        "allow-cc-mismatch", NULL, "accept another compiler than the kernel's", NULL               \
    }

/* … and of one that places. */
#define BAKE_OPTIONS_PLACING                                                                       \
    {"sign-key", "KEY", "sign with this private key (PEM file or pkcs11: URI)", NULL},             \
        {"sign-cert", "CERT", "its certificate (PEM or DER)", NULL},                               \
        {"passphrase-file", "FILE", "the key's passphrase (default: KBUILD_SIGN_PIN)", NULL},      \
        {"require-signature", NULL, "fail when the modules would not be signed", NULL},            \
        {"compress", "FORMAT",                                                                     \
         "how modules are packed (default auto: as the kernel's configuration says)",              \
         "auto|none|gzip|xz|zstd"},                                                                \
        {"driver-kind", "KIND", "what the marker says (default cuda)", "cuda|grid"},               \
        {"compat-marker", "PATH",                                                                  \
         "place a marker for other tools, there only while the bake is active", NULL},             \
        {"layout", "LAYOUT",                                                                       \
         "active (default): installed, indexed, registered; parked: inert, in a private store "    \
         "until prebake-node activates it",                                                        \
         "active|parked"},                                                                         \
        {"userspace", "DIR", "lay DIR over the image as well: programs, libraries", NULL},         \
        {"supported-gpus", "FILE", "the driver's supported-gpus.json: which GPUs it is for",       \
         NULL},                                                                                    \
        {"replace", NULL, "take the place of a bake that is there", NULL}, {                       \
        "ignore-scripts", NULL, "bake although the source has install scripts", NULL               \
    }

/*
 * Reads and checks the options. ERROR_USAGE; ERROR_SIGNING for --require-signature without a key.
 */
int bake_options_read(const struct command_call *call, struct bake_options *options,
                      struct error *err) MUST_CHECK;

#endif
