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
    struct verdict_facts facts = {.check = "signature",
                                  .wanted = cms_identity_name(set->signer),
                                  .found = info->signer ? info->signer : "unreadable",
                                  .source = set->target->certificate};
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

static int check_key_kind(const struct candidate_set *set, struct candidate *candidate) {
    const char *kind = cms_identity_key_kind(set->signer);
    const struct verify_target *target = set->target;
    if (strcmp(kind, "rsa") == 0 || (strcmp(kind, "ecdsa") == 0 && target->ecdsa))
        return 0;
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
    return rc ? rc : check_key_kind(set, candidate);
}

int signature_check_run(const struct candidate_set *set, struct candidate *candidate) {
    const struct module_file *file = candidate->file;
    if (file->elf_size == file->content.size && (set->signer || set->target->signature_forced))
        return no_signature(set, candidate);
    if (!set->signer)
        return 0;
    AUTO_SIGNATURE_INFO struct signature_info info = {.signer = NULL};
    struct error unreadable = {.kind = ERROR_NONE}, refused = {.kind = ERROR_NONE};
    int rc = signature_read(file->content.data, file->content.size, &info, &unreadable);
    if (rc != -ENOMEM)
        rc = signature_verify_by(file->content.data, file->content.size, set->signer, &refused);
    if (rc == -ENOMEM)
        return rc;
    return rc < 0 ? wrong_signature(set, candidate, &info, refused.text)
                  : check_details(set, candidate, &info);
}
