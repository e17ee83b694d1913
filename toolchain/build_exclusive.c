#include "toolchain/build_exclusive.h"

#include <regex.h>
#include <string.h>

#define EXCLUDES "dkms.conf excludes this kernel: "

bool build_exclusive_matches(const char *text, const char *expression) {
    regex_t regex;
    if (regcomp(&regex, expression, REG_EXTENDED | REG_NOSUB))
        return false;
    bool matches = regexec(&regex, text, 0, NULL, 0) == 0;
    regfree(&regex);
    return matches;
}

static int check_expression(const struct dkms_values *values, const char *directive,
                            const char *text, char **why) {
    const char *expression = dkms_values_get(values, directive, 0);
    if (!*expression || build_exclusive_matches(text, expression))
        return 0;
    return asprintf(why, EXCLUDES "%s=\"%s\" does not match %s", directive, expression, text) < 0
               ? -ENOMEM
               : 0;
}

/* dkms compares the versions' numbers, text between them as text: strverscmp's order. */
static int check_bounds(const struct dkms_values *values, const char *release, char **why) {
    const char *least = dkms_values_get(values, "BUILD_EXCLUSIVE_KERNEL_MIN", 0);
    const char *most = dkms_values_get(values, "BUILD_EXCLUSIVE_KERNEL_MAX", 0);
    if (*least && strverscmp(release, least) < 0)
        return asprintf(why, EXCLUDES "BUILD_EXCLUSIVE_KERNEL_MIN=\"%s\" is above %s", least,
                        release) < 0
                   ? -ENOMEM
                   : 0;
    if (*most && strverscmp(release, most) > 0)
        return asprintf(why, EXCLUDES "BUILD_EXCLUSIVE_KERNEL_MAX=\"%s\" is below %s", most,
                        release) < 0
                   ? -ENOMEM
                   : 0;
    return 0;
}

static bool is_enabled(const struct keyvalue *config, const char *symbol) {
    const char *value = keyvalue_get(config, symbol);
    return value && (value[0] == 'y' || value[0] == 'm');
}

static int check_config(const struct dkms_values *values, const struct kernel_headers *headers,
                        char **why) {
    AUTO_FREE char *list = strdup(dkms_values_get(values, "BUILD_EXCLUSIVE_CONFIG", 0));
    if (!list)
        return -ENOMEM;
    char *rest = NULL;
    for (char *word = strtok_r(list, " \t\n", &rest); word; word = strtok_r(NULL, " \t\n", &rest)) {
        bool unwanted = word[0] == '!';
        const char *symbol = word + unwanted;
        if (is_enabled(&headers->config, symbol) != unwanted)
            continue;
        return asprintf(why, EXCLUDES "BUILD_EXCLUSIVE_CONFIG wants one %s %s",
                        unwanted ? "without" : "with", symbol) < 0
                   ? -ENOMEM
                   : 0;
    }
    return 0;
}

int build_exclusive_check(const struct dkms_values *values, const struct kernel_headers *headers,
                          char **why) {
    *why = NULL;
    int rc = check_expression(values, "BUILD_EXCLUSIVE_KERNEL", headers->release, why);
    if (!rc && !*why)
        rc = check_expression(values, "BUILD_EXCLUSIVE_ARCH", headers->machine, why);
    if (!rc && !*why)
        rc = check_bounds(values, headers->release, why);
    if (!rc && !*why)
        rc = check_config(values, headers, why);
    if (rc)
        *why = NULL;
    return rc;
}
