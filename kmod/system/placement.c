#include "kmod/system/placement.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "kmod/system/os_release.h"

/* By the identifier's first word, near to what dkms does: "opensuse" for "opensuse-leap". */
static const struct {
    const char *identifier;
    const char *folder;
} FOLDERS[] = {
    {"debian", "updates/dkms"}, {"ubuntu", "updates/dkms"}, {"arch", "updates/dkms"},
    {"fedora", "extra"},        {"rhel", "extra"},          {"centos", "extra"},
    {"rocky", "extra"},         {"almalinux", "extra"},     {"ol", "extra"},
    {"ovm", "extra"},           {"amzn", "extra"},          {"sles", "updates"},
    {"suse", "updates"},        {"opensuse", "updates"},
};

static bool begins_with_word(const char *identifier, const char *word) {
    size_t length = strlen(word);
    return !strncmp(identifier, word, length) && !isalpha((unsigned char)identifier[length]);
}

static const char *distribution_folder(const struct strlist *identifiers) {
    for (size_t i = 0; i < identifiers->count; i++)
        for (size_t j = 0; j < ARRAY_SIZE(FOLDERS); j++)
            if (begins_with_word(identifiers->items[i], FOLDERS[j].identifier))
                return FOLDERS[j].folder;
    return NULL;
}

/* dkms.conf is hostile input, and this becomes part of a path. */
static bool is_plain(const char *component, size_t length) {
    return !(length == 1 && component[0] == '.') &&
           !(length == 2 && component[0] == '.' && component[1] == '.');
}

static int clean_location(const char *location, char **folder, struct error *err) {
    AUTO_STRLIST struct strlist components = {0};
    for (const char *at = location + strspn(location, "/"); *at; at += strspn(at, "/")) {
        size_t length = strcspn(at, "/");
        if (!is_plain(at, length))
            return error_set(err, ERROR_REFUSED, EINVAL,
                             "DEST_MODULE_LOCATION \"%s\" is not a plain folder below "
                             "/lib/modules/KERNEL",
                             location);
        if (strlist_addf(&components, "%.*s", (int)length, at))
            return error_oom(err, "placing modules");
        at += length;
    }
    *folder = strlist_join(&components, "/");
    return *folder ? 0 : error_oom(err, "placing modules");
}

int placement_folder(const struct root *root, const char *dest_location, char **folder,
                     struct error *err) {
    AUTO_STRLIST struct strlist identifiers = {0};
    int rc = os_release_identifiers(root, &identifiers, err);
    if (rc)
        return rc;
    const char *distribution = distribution_folder(&identifiers);
    if (!distribution)
        return clean_location(dest_location, folder, err);
    *folder = strdup(distribution);
    return *folder ? 0 : error_oom(err, "placing modules");
}
