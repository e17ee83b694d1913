#include "kmod/lifecycle/facts_fields.h"

#include <string.h>

#include "kmod/lifecycle/facts.h"
#include "kmod/lifecycle/safe_name.h"

const struct facts_field facts_fields_top[] = {
    {"kernel", offsetof(struct facts, kernel), FACTS_TEXT_NAME},
    {"machine", offsetof(struct facts, machine), FACTS_TEXT_NAME},
    {"driver_kind", offsetof(struct facts, driver_kind), FACTS_TEXT_NAME},
    {"module", offsetof(struct facts, module), FACTS_TEXT_NAME},
    {"driver_version", offsetof(struct facts, driver_version), FACTS_TEXT_NAME},
    {"bundle", offsetof(struct facts, bundle), FACTS_TEXT_NAME},
    {"layout", offsetof(struct facts, layout), FACTS_TEXT_NAME},
    {"compression", offsetof(struct facts, compression), FACTS_TEXT_NAME},
    {"symvers_sha256", offsetof(struct facts, symvers_sha256), FACTS_TEXT_DIGEST},
    {"compat_marker", offsetof(struct facts, compat_marker), FACTS_TEXT_PATH},
    {"userspace", offsetof(struct facts, userspace), FACTS_TEXT_DIGEST},
    {"supported_gpus", offsetof(struct facts, supported_gpus), FACTS_TEXT_DIGEST},
    {0},
};

const struct facts_field facts_fields_module[] = {
    {"path", offsetof(struct facts_module, path), FACTS_TEXT_PATH},
    {"name", offsetof(struct facts_module, name), FACTS_TEXT_NAME},
    {"build_id", offsetof(struct facts_module, build_id), FACTS_TEXT_ANY},
    {"srcversion", offsetof(struct facts_module, srcversion), FACTS_TEXT_ANY},
    {"signer", offsetof(struct facts_module, signer), FACTS_TEXT_ANY},
    {"key_id", offsetof(struct facts_module, key_id), FACTS_TEXT_ANY},
    {0},
};

const struct facts_field facts_fields_dkms[] = {
    {"name", offsetof(struct facts_dkms, name), FACTS_TEXT_NAME},
    {"version", offsetof(struct facts_dkms, version), FACTS_TEXT_NAME},
    {"machine", offsetof(struct facts_dkms, machine), FACTS_TEXT_NAME},
    {0},
};

bool facts_fields_fit(enum facts_text text, const char *value) {
    if (strnlen(value, FACTS_TEXT_MAX + 1) > FACTS_TEXT_MAX)
        return false;
    if (!*value)
        return true;
    switch (text) {
    case FACTS_TEXT_NAME:
        return safe_name(value);
    case FACTS_TEXT_PATH:
        return safe_name_path(value);
    case FACTS_TEXT_DIGEST:
        return safe_name_sha256(value);
    case FACTS_TEXT_ANY:
        break;
    }
    return true;
}

char **facts_fields_place(void *base, const struct facts_field *field) {
    return (char **)(void *)((char *)base + field->offset);
}
