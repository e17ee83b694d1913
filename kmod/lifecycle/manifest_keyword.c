#include "kmod/lifecycle/manifest_keyword.h"

#include <ctype.h>
#include <string.h>

#include "kmod/lifecycle/mtree_text.h"
#include "kmod/lifecycle/safe_name.h"

enum keyword {
    KEYWORD_TYPE = 1 << 0,
    KEYWORD_MODE = 1 << 1,
    KEYWORD_UID = 1 << 2,
    KEYWORD_GID = 1 << 3,
    KEYWORD_SIZE = 1 << 4,
    KEYWORD_LINK = 1 << 5,
    KEYWORD_TIME = 1 << 6,
    KEYWORD_SHA256 = 1 << 7,
};

#define KEYWORDS_OF_ALL (KEYWORD_TYPE | KEYWORD_MODE | KEYWORD_UID | KEYWORD_GID)

static const struct manifest_type_name {
    const char *name;
    unsigned keywords;
} types[] = {
    [MANIFEST_DIR] = {"dir", KEYWORDS_OF_ALL},
    [MANIFEST_FILE] = {"file", KEYWORDS_OF_ALL | KEYWORD_SIZE | KEYWORD_TIME | KEYWORD_SHA256},
    [MANIFEST_LINK] = {"link", KEYWORDS_OF_ALL | KEYWORD_LINK | KEYWORD_TIME},
};

/* Digits of `base` and nothing else (strtoull() would take blanks and signs). */
static bool parse_number(const char *text, unsigned base, uint64_t max, uint64_t *number) {
    uint64_t value = 0;
    if (!*text)
        return false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text) || (unsigned)(*text - '0') >= base)
            return false;
        unsigned digit = (unsigned)(*text - '0');
        if (value > (max - digit) / base)
            return false;
        value = value * base + digit;
    }
    *number = value;
    return true;
}

static bool take_type(const char *text, const struct manifest_keyword_value *value) {
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (!strcmp(text, types[i].name)) {
            value->entry->type = (enum manifest_type)i;
            return true;
        }
    return false;
}

static bool take_mode(const char *text, const struct manifest_keyword_value *value) {
    uint64_t number;
    if (!parse_number(text, 8, 07777, &number))
        return false;
    value->entry->mode = (mode_t)number;
    return true;
}

/* The highest number is (uid_t)−1, which chown(2) takes as "leave it". */
static bool take_id(const char *text, uint32_t *id) {
    uint64_t number;
    if (!parse_number(text, 10, UINT32_MAX - 1, &number))
        return false;
    *id = (uint32_t)number;
    return true;
}

static bool take_uid(const char *text, const struct manifest_keyword_value *value) {
    return take_id(text, &value->entry->uid);
}

static bool take_gid(const char *text, const struct manifest_keyword_value *value) {
    return take_id(text, &value->entry->gid);
}

static bool take_size(const char *text, const struct manifest_keyword_value *value) {
    return parse_number(text, 10, INT64_MAX, &value->entry->size);
}

static bool take_link(const char *text, const struct manifest_keyword_value *value) {
    value->entry->target = value->target;
    return mtree_text_unescape(text, value->target, value->target_capacity) && *value->target;
}

/* "SECONDS.NANOSECONDS", nine digits of the latter; files from before 1970 have a '-'. */
static bool take_time(const char *text, const struct manifest_keyword_value *value) {
    char seconds[24];
    bool negative = *text == '-';
    const char *dot = strchr(text, '.');
    size_t size = dot ? (size_t)(dot - text) : sizeof seconds;
    if (size >= sizeof seconds || strlen(dot + 1) != 9)
        return false;
    memcpy(seconds, text, size);
    seconds[size] = '\0';
    uint64_t whole, nanoseconds;
    if (!parse_number(seconds + negative, 10, INT64_MAX, &whole) ||
        !parse_number(dot + 1, 10, 999999999, &nanoseconds))
        return false;
    value->entry->mtime.tv_sec = negative ? -(time_t)whole : (time_t)whole;
    value->entry->mtime.tv_nsec = (long)nanoseconds;
    return true;
}

static bool take_sha256(const char *text, const struct manifest_keyword_value *value) {
    if (!safe_name_sha256(text))
        return false;
    memcpy(value->entry->sha256, text, DIGEST_HEX_SIZE);
    return true;
}

static const struct keyword_row {
    const char *name;
    enum keyword bit;
    bool (*take)(const char *text, const struct manifest_keyword_value *value);
    const char *complaint;
} rows[] = {
    {"type", KEYWORD_TYPE, take_type, "the type is not dir, file or link"},
    {"mode", KEYWORD_MODE, take_mode, "the mode is not an octal number up to 07777"},
    {"uid", KEYWORD_UID, take_uid, "the uid is not a number"},
    {"gid", KEYWORD_GID, take_gid, "the gid is not a number"},
    {"size", KEYWORD_SIZE, take_size, "the size is not a number"},
    {"link", KEYWORD_LINK, take_link, "the link's target is empty, too long or badly escaped"},
    {"time", KEYWORD_TIME, take_time, "the time is not SECONDS.NANOSECONDS"},
    {"sha256digest", KEYWORD_SHA256, take_sha256, "the digest is not 64 hexadecimal digits"},
};

const char *manifest_keyword_take(const char *word, const struct manifest_keyword_value *value,
                                  unsigned *seen) {
    const char *equals = strchr(word, '=');
    size_t size = equals ? (size_t)(equals - word) : 0;
    for (size_t i = 0; equals && i < ARRAY_SIZE(rows); i++) {
        if (strlen(rows[i].name) != size || memcmp(rows[i].name, word, size))
            continue;
        if (*seen & rows[i].bit)
            return "a keyword is there twice";
        *seen |= rows[i].bit;
        return rows[i].take(equals + 1, value) ? NULL : rows[i].complaint;
    }
    return "a keyword is not one that prebake writes";
}

bool manifest_keyword_is_parent(const struct manifest_entry *entry, unsigned seen) {
    return seen == KEYWORD_TYPE && entry->type == MANIFEST_DIR;
}

bool manifest_keyword_complete(const struct manifest_entry *entry, unsigned seen) {
    return seen == types[entry->type].keywords;
}
