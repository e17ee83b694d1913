#include "toolchain/dkms_directives.h"

#include <string.h>

static const char *const used[] = {
    "PACKAGE_NAME",
    "PACKAGE_VERSION",
    "MAKE",
    "MAKE_MATCH",
    "PATCH",
    "PATCH_MATCH",
    "BUILT_MODULE_NAME",
    "BUILT_MODULE_LOCATION",
    "DEST_MODULE_NAME",
    "DEST_MODULE_LOCATION",
    "STRIP",
    "AUTOINSTALL",
    "NO_WEAK_MODULES",
    "BUILD_DEPENDS",
    "BUILD_DEPENDS_REBUILD",
    "BUILD_EXCLUSIVE_KERNEL",
    "BUILD_EXCLUSIVE_KERNEL_MIN",
    "BUILD_EXCLUSIVE_KERNEL_MAX",
    "BUILD_EXCLUSIVE_ARCH",
    "BUILD_EXCLUSIVE_CONFIG",
    "PRE_BUILD",
    "POST_BUILD",
};

static const char *const install_scripts[] = {"PRE_INSTALL", "POST_INSTALL", "POST_ADD",
                                              "POST_REMOVE"};

/* Obsolete, or (the last three) decided by prebake's own options. */
static const char *const without_effect[] = {
    "CLEAN",
    "REMAKE_INITRD",
    "OBSOLETE_BY",
    "MODULES_CONF",
    "MODULES_CONF_OBSOLETES",
    "MODULES_CONF_ALIAS_TYPE",
    "MODULES_CONF_OBSOLETE_ONLY",
    "SIGN_FILE",
    "MOK_SIGNING_KEY",
    "MOK_CERTIFICATE",
};

/* Variables that bash itself sets while it reads a file. */
static const char *const of_the_shell[] = {"PIPESTATUS", "REPLY", "MAPFILE", "OPTARG", "COPROC"};

static bool is_in(const char *name, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strcmp(name, list[i]))
            return true;
    return false;
}

#define IS_IN(name, list) is_in(name, list, ARRAY_SIZE(list))

static bool is_without_effect(const char *name) {
    return IS_IN(name, without_effect);
}

static bool is_unknown(const char *name) {
    return !IS_IN(name, used) && !IS_IN(name, install_scripts) && !IS_IN(name, without_effect) &&
           !IS_IN(name, of_the_shell) && strncmp(name, "BASH_", 5) != 0;
}

/* One warning with every name that the condition holds for. */
static int warn_names(const struct dkms_values *values, bool (*condition)(const char *name),
                      const char *sentence, struct strlist *warnings) {
    AUTO_STRLIST struct strlist names = {0};
    for (size_t i = 0; i < values->count; i++) {
        const char *name = values->items[i].name;
        if (condition(name) && !strlist_contains(&names, name) && strlist_add(&names, name))
            return -ENOMEM;
    }
    if (names.count == 0)
        return 0;
    AUTO_FREE char *joined = strlist_join(&names, ", ");
    return joined ? strlist_addf(warnings, "dkms.conf: %s %s", joined, sentence) : -ENOMEM;
}

int dkms_directives_warn(const struct dkms_values *values, struct strlist *warnings) {
    int rc = warn_names(values, is_without_effect, "is read and has no effect", warnings);
    if (!rc)
        rc = warn_names(values, is_unknown, "is not a directive of DKMS", warnings);
    size_t line = strcspn(values->messages, "\n");
    if (!rc && line > 0)
        rc = strlist_addf(warnings, "dkms.conf says: %.*s", (int)(line > 200 ? 200 : line),
                          values->messages);
    return rc;
}

int dkms_directives_scripts(const struct dkms_values *values, struct strlist *scripts) {
    for (size_t i = 0; i < ARRAY_SIZE(install_scripts); i++) {
        const char *script = dkms_values_get(values, install_scripts[i], 0);
        if (*script && strlist_addf(scripts, "%s=%s", install_scripts[i], script))
            return -ENOMEM;
    }
    return 0;
}
