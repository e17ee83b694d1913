#include "builder/cmd_sign.h"

#include <stdio.h>
#include <string.h>

#include "base/interrupt.h"
#include "builder/replace_file.h"
#include "kmod/module/module_facts.h"
#include "kmod/module/module_file.h"
#include "kmod/module/signature.h"
#include "toolchain/kernel_headers.h"

struct sign_job {
    const struct command_call *call;
    struct signing_key *key;
    char *release; /* the kernel whose wish was looked up last, and the hash it wants */
    char *hash;
};

static void sign_job_release(struct sign_job *job) {
    signing_key_free(&job->key);
    free(job->release);
    free(job->hash);
}

static int load_key(struct sign_job *job, struct error *err) {
    const struct command_call *call = job->call;
    const struct signing_key_source source = {
        .key = command_value(call, "sign-key"),
        .certificate = command_value(call, "sign-cert"),
        .passphrase_path = command_value(call, "passphrase-file"),
        .sign_file = command_value(call, "sign-file"),
    };
    if (!source.key || !source.certificate)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "sign needs both --sign-key and --sign-cert; see 'sign --help'");
    return signing_key_load(&source, &job->key, err);
}

/* The kernel that the module is for: --kernel, else the first word of its vermagic. */
static int find_release(const struct sign_job *job, const struct module_file *file, char **release,
                        struct error *err) {
    const char *named = command_value(job->call, "kernel");
    AUTO_MODULE_FACTS struct module_facts facts = {0};
    int rc = named ? 0 : module_facts_read(file, &facts, err);
    if (rc)
        return rc;
    const char *words = named ? named : facts.vermagic;
    *release = strndup(words, strcspn(words, " "));
    if (!*release)
        return error_oom(err, "signing");
    if (!**release)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "%s does not say which kernel it is for: give --hash or --kernel",
                         file->name);
    return 0;
}

/* What the headers of `release` want goes to job->hash. */
static int look_up_hash(struct sign_job *job, const char *file, const char *release,
                        struct error *err) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {0};
    int rc = kernel_headers_read(&job->call->root, release, &headers, err);
    if (rc)
        return error_wrap(err, rc, "%s: no --hash is given, and what its kernel wants is unknown",
                          file);
    if (!*headers.signature_hash)
        return error_set(err, ERROR_SIGNING, EINVAL,
                         "%s: its kernel %s has no module signatures (CONFIG_MODULE_SIG): give "
                         "--hash to sign all the same",
                         file, release);
    free(job->release);
    free(job->hash);
    job->release = strdup(release);
    job->hash = strdup(headers.signature_hash);
    return job->release && job->hash ? 0 : error_oom(err, "signing");
}

static int choose_hash(struct sign_job *job, const struct module_file *file, const char **hash,
                       struct error *err) {
    *hash = command_value(job->call, "hash");
    if (*hash)
        return 0;
    AUTO_FREE char *release = NULL;
    int rc = find_release(job, file, &release, err);
    if (!rc && (!job->release || strcmp(job->release, release)))
        rc = look_up_hash(job, file->name, release, err);
    *hash = job->hash;
    return rc;
}

/* Packs the content as it was, and proves that this is what comes out of it. */
static int pack(const struct module_file *file, struct buffer *packed, struct error *err) {
    AUTO_BUFFER struct buffer again = {0};
    const struct buffer *content = &file->content;
    int rc = compression_pack(file->compression, content->data, content->size, packed, err);
    if (!rc)
        rc = compression_unpack(file->compression, packed->data, packed->size, content->size,
                                file->name, &again, err);
    if (!rc && (again.size != content->size || memcmp(again.data, content->data, again.size)))
        rc = error_set(err, ERROR_DAMAGED, EBADMSG, "what was packed does not unpack to the same");
    return rc;
}

/* The signature has been verified: what is left to prove is that its bytes are in the file. */
static int publish(const char *path, const struct module_file *file, struct error *err) {
    AUTO_BUFFER struct buffer packed = {0};
    const struct buffer *bytes = file->compression == COMPRESSION_NONE ? &file->content : &packed;
    int rc = bytes == &packed ? pack(file, &packed, err) : 0;
    return rc ? rc : replace_file(path, bytes->data, bytes->size, err);
}

static int sign_module(struct sign_job *job, const char *path, struct error *err) {
    AUTO_MODULE_FILE struct module_file file = {0};
    const char *hash = NULL;
    int rc = module_file_read(path, &file, err);
    if (!rc)
        rc = choose_hash(job, &file, &hash, err);
    if (rc)
        return rc;
    bool again = file.elf_size < file.content.size;
    rc = signature_append(&file.content, job->key, hash, err);
    if (!rc)
        rc = publish(path, &file, err);
    if (rc)
        return error_wrap(err, rc, "%s", path);
    printf("%s: signed%s with %s as \"%s\"\n", path, again ? " again" : "", hash,
           signing_key_signer(job->key));
    return 0;
}

static int run(struct command_call *call, struct error *err) {
    AUTO(sign_job_release) struct sign_job job = {.call = call};
    if (call->operands.count == 0)
        return error_set(err, ERROR_USAGE, EINVAL, "sign which files? see 'sign --help'");
    int rc = load_key(&job, err);
    for (size_t i = 0; !rc && i < call->operands.count; i++) {
        rc = sign_module(&job, call->operands.items[i], err);
        if (!rc)
            rc = interrupt_check(err);
    }
    return rc;
}

const struct command cmd_sign = {
    .verb = "sign",
    .arguments = "FILE...",
    .summary = "sign module files in place, as the kernel's sign-file does",
    .details =
        "Each FILE (.ko, .ko.gz, .ko.xz or .ko.zst) is unpacked, loses the signature it has,\n"
        "is signed and packed the same way. It is replaced at once or not at all, and keeps\n"
        "its owner, mode and extended attributes; other names of it (hard links) keep the\n"
        "unsigned content, and a warning says so. The hash is what the module's kernel is\n"
        "configured for (CONFIG_MODULE_SIG_HASH), when that kernel's headers are there. A key\n"
        "that no kernel can check signatures of is refused. An encrypted key's\n"
        "passphrase, or the PIN of a token (a pkcs11: key, with which the kernel's sign-file\n"
        "signs), comes from a file or from KBUILD_SIGN_PIN. Stops at the first file that can't\n"
        "be signed; exit status 10 when key, certificate and policy don't agree.",
    .needs = COMMAND_NEEDS_TREE,
    .options =
        {
            {"sign-key", "KEY", "private key: a PEM file or a pkcs11: URI", NULL},
            {"sign-cert", "CERT", "its certificate, PEM or DER", NULL},
            {"hash", "HASH", "hash to sign with (default: what the kernel wants)",
             "sha1|sha224|sha256|sha384|sha512|sha3-256|sha3-384|sha3-512"},
            {"kernel", "RELEASE", "take the hash from this kernel's headers", NULL},
            {"passphrase-file", "FILE", "passphrase of the key, or PIN of the token", NULL},
            {"sign-file", "PROGRAM", "the kernel's scripts/sign-file, for a pkcs11: key", NULL},
        },
    .run = run,
};
