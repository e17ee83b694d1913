#include "kmod/module/signature_check.h"

#include <string.h>

#include "kmod/module/signature.h"
#include "kmod/module/verdict.h"

static int no_signature(const struct candidate_set *set, struct candidate *candidate) {
    struct verdict_facts facts = {.check = "signature",
                                  .wanted = set->signer ? cms_identity_name(set->signer) : "any",
                                  .found = "none",
                                  .source = set->signer ? set->target->certificate
                                                        : set->target->config_name};
    if (set->signer)
        return verdict_add(candidate->verdict, &facts,
                           "it carries no signature, wanted is one of \"%s\"", facts.wanted);
    return verdict_add(candidate->verdict, &facts,
                       "it carries no signature, and kernel %s takes signed modules only",
                       set->target->release);
}

static int wrong_signature(const struct candidate_set *set, struct candidate *candidate,
                           const struct signature_info *info, const char *why) {
    struct verdict_facts facts = {
        .check = "signature",
        .wanted = set->signer ? cms_identity_name(set->signer) : "one that kernels can read",
        .found = info->signer ? info->signer : "unreadable",
        .source = set->signer ? set->target->certificate : set->target->config_name};
    if (!set->signer)
        return verdict_add(
            candidate->verdict, &facts, "%s; kernel %s refuses it%s", why, set->target->release,
            set->target->signature_forced ? "" : " although it takes unsigned modules");
    return verdict_add(candidate->verdict, &facts, "%s", why);
}

static int check_hash(const struct verify_target *target, struct candidate *candidate,
                      const char *hash) {
    if (!target->signature_hash || !*target->signature_hash ||
        strcmp(hash, target->signature_hash) == 0)
        return 0;
    struct verdict_facts facts = {.check = "signature",
                                  .wanted = target->signature_hash,
                                  .found = hash,
                                  .source = target->config_name};
    return verdict_add(candidate->verdict, &facts,
                       "it is signed with %s; %s is what kernel %s is sure to have "
                       "(CONFIG_MODULE_SIG_HASH)",
                       hash, target->signature_hash, target->release);
}

/* The kind is right: so are the length, or the curve? */
static int check_key(const struct candidate_set *set, struct candidate *candidate) {
    struct verdict_facts facts = {.check = "signature",
                                  .wanted = cms_identity_wanted_key(set->signer, set->target->p521),
                                  .found = cms_identity_key_text(set->signer),
                                  .source = set->target->certificate};
    if (!facts.wanted)
        return 0;
    return verdict_add(candidate->verdict, &facts,
                       "it is signed with a key that is %s, which kernel %s can't check; wanted is "
                       "%s",
                       facts.found, set->target->release, facts.wanted);
}

static int check_algorithm(const struct candidate_set *set, struct candidate *candidate,
                           const struct signature_info *info) {
    if (info->algorithm_known)
        return 0;
    struct verdict_facts facts = {.check = "signature",
                                  .wanted = "rsaEncryption or ecdsa-with-SHA",
                                  .found = info->algorithm,
                                  .source = candidate->file->name};
    return verdict_add(candidate->verdict, &facts,
                       "its signature is of the kind %s, which kernel %s can't check; wanted is %s",
                       facts.found, set->target->release, facts.wanted);
}

static int check_key_kind(const struct candidate_set *set, struct candidate *candidate) {
    const char *kind = cms_identity_key_kind(set->signer);
    const struct verify_target *target = set->target;
    if (strcmp(kind, "rsa") == 0 || (strcmp(kind, "ecdsa") == 0 && target->ecdsa))
        return check_key(set, candidate);
    struct verdict_facts facts = {.check = "signature",
                                  .wanted = target->ecdsa ? "rsa or ecdsa" : "rsa",
                                  .found = kind,
                                  .source = target->config_name};
    return verdict_add(candidate->verdict, &facts,
                       "it is signed with a key of kind %s, which kernel %s can't check", kind,
                       target->release);
}

static int check_details(const struct candidate_set *set, struct candidate *candidate,
                         const struct signature_info *info) {
    int rc = check_hash(set->target, candidate, info->hash);
    if (!rc)
        rc = check_algorithm(set, candidate, info);
    return rc ? rc : check_key_kind(set, candidate);
}

/* Without CONFIG_MODULE_SIG, what stands behind the module is never looked at. */
static bool reads_signatures(const struct verify_target *target) {
    return target->signature_forced || (target->signature_hash && *target->signature_hash);
}

int signature_check_run(const struct candidate_set *set, struct candidate *candidate) {
    const struct module_file *file = candidate->file;
    const struct buffer *content = &file->content;
    if (file->elf_size == content->size)
        return set->signer || set->target->signature_forced ? no_signature(set, candidate) : 0;
    if (!set->signer && !reads_signatures(set->target))
        return 0;
    AUTO_SIGNATURE_INFO struct signature_info info = {.signer = NULL};
    struct error unreadable = {.kind = ERROR_NONE}, refused = {.kind = ERROR_NONE};
    int rc = signature_read(content->data, content->size, &info, &unreadable);
    if (rc != -ENOMEM)
        rc = set->signer ? signature_verify_by(content->data, content->size, set->signer, &refused)
                         : signature_check_form(content->data, content->size, &refused);
    if (rc == -ENOMEM)
        return rc;
    if (rc < 0)
        return wrong_signature(set, candidate, &info, refused.text);
    return set->signer ? check_details(set, candidate, &info) : 0;
}
