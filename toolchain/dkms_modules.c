#include "toolchain/dkms_modules.h"

#include <string.h>

#define COMPONENT_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+~:-"

bool dkms_modules_is_component(const char *name) {
    size_t length = strspn(name, COMPONENT_CHARACTERS);
    return length > 0 && length <= 128 && name[length] == '\0' && !strchr("._+~:-", name[0]);
}

/* "a/b/": nothing that leads out of the folder it is relative to. */
static bool is_plain_path(const char *path) {
    for (; *path; path += strspn(path, "/")) {
        size_t length = strcspn(path, "/");
        if (length == 0 || length > 128 || strspn(path, COMPONENT_CHARACTERS) < length ||
            (length == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        path += length;
    }
    return true;
}

static bool ends_in(const char *name, const char *suffix) {
    size_t length = strlen(name), tail = strlen(suffix);
    return length >= tail && !strcmp(name + length - tail, suffix);
}

static int refuse(struct error *err, unsigned record, const char *why) {
    return error_set(err, ERROR_DAMAGED, EINVAL, "dkms.conf: record #%u %s", record, why);
}

static int check_name(const char *name, const char *missing, const char *not_plain,
                      const char *suffixed, unsigned record, struct error *err) {
    if (!*name)
        return refuse(err, record, missing);
    if (!dkms_modules_is_component(name))
        return refuse(err, record, not_plain);
    if (ends_in(name, ".o") || ends_in(name, ".ko"))
        return refuse(err, record, suffixed);
    return 0;
}

/* dkms wants the directive itself of each record, even where a distribution overrides it. */
static int check_destination(const char *location, unsigned record, struct error *err) {
    static const char *const starts[] = {"/kernel", "/updates", "/extra"};
    if (!*location)
        return refuse(err, record, "has no DEST_MODULE_LOCATION");
    for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
        if (!strncmp(location, starts[i], strlen(starts[i])))
            return is_plain_path(location + 1)
                       ? 0
                       : refuse(err, record, "has a DEST_MODULE_LOCATION that is no plain path");
    return refuse(
        err, record,
        "has a DEST_MODULE_LOCATION that does not begin with /kernel, /updates or /extra");
}

/* An element that is not set follows the first one, which is "yes" by default. */
static bool is_stripped(const struct dkms_values *values, unsigned record) {
    const char *own = dkms_values_get(values, "STRIP", record);
    const char *word = *own ? own : dkms_values_get(values, "STRIP", 0);
    return word[0] != 'n' && word[0] != 'N';
}

/* BUILT_MODULE_LOCATION with the slash that joins it to a name. */
static char *join_location(const char *location) {
    char *joined = NULL;
    const char *slash = *location && !ends_in(location, "/") ? "/" : "";
    return asprintf(&joined, "%s%s", location, slash) < 0 ? NULL : joined;
}

static int read_record(const struct dkms_values *values, const struct dkms_conf *conf,
                       unsigned record, struct dkms_conf_module *module, struct error *err) {
    const char *built = dkms_values_get(values, "BUILT_MODULE_NAME", record);
    if (!*built && dkms_values_count(values, "DEST_MODULE_LOCATION") == 1)
        built = conf->name;
    const char *dest = dkms_values_get(values, "DEST_MODULE_NAME", record);
    const char *location = dkms_values_get(values, "BUILT_MODULE_LOCATION", record);
    const char *destination = dkms_values_get(values, "DEST_MODULE_LOCATION", record);
    int rc =
        check_name(built, "has no BUILT_MODULE_NAME", "has a BUILT_MODULE_NAME that is no name",
                   "has a BUILT_MODULE_NAME that ends in .o or .ko", record, err);
    if (!rc)
        rc = check_name(*dest ? dest : built, "", "has a DEST_MODULE_NAME that is no name",
                        "has a DEST_MODULE_NAME that ends in .o or .ko", record, err);
    if (!rc && !is_plain_path(location))
        rc = refuse(err, record, "has a BUILT_MODULE_LOCATION that is no plain relative path");
    if (!rc)
        rc = check_destination(destination, record, err);
    if (rc)
        return rc;
    *module = (struct dkms_conf_module){
        .built_name = strdup(built),
        .built_location = join_location(location),
        .dest_name = strdup(*dest ? dest : built),
        .dest_location = strdup(destination),
        .strip = is_stripped(values, record),
    };
    bool complete =
        module->built_name && module->built_location && module->dest_name && module->dest_location;
    return complete ? 0 : error_oom(err, "reading dkms.conf");
}

/* Two records of one file name would replace each other when they are installed. */
static int check_distinct(const struct dkms_conf *conf, unsigned record, struct error *err) {
    for (unsigned i = 0; i < record; i++)
        if (!strcmp(conf->modules[i].dest_name, conf->modules[record].dest_name))
            return refuse(err, record, "has the DEST_MODULE_NAME of another record");
    return 0;
}

static unsigned count_records(const struct dkms_values *values) {
    static const char *const arrays[] = {"BUILT_MODULE_NAME", "BUILT_MODULE_LOCATION",
                                         "DEST_MODULE_NAME", "DEST_MODULE_LOCATION"};
    unsigned count = 0;
    for (size_t i = 0; i < ARRAY_SIZE(arrays); i++) {
        unsigned elements = dkms_values_count(values, arrays[i]);
        count = elements > count ? elements : count;
    }
    return count;
}

int dkms_modules_read(const struct dkms_values *values, struct dkms_conf *conf, struct error *err) {
    unsigned count = count_records(values);
    if (count == 0)
        return error_set(err, ERROR_DAMAGED, EINVAL, "dkms.conf has no DEST_MODULE_LOCATION");
    conf->modules = calloc(count, sizeof *conf->modules);
    if (!conf->modules)
        return error_oom(err, "reading dkms.conf");
    for (unsigned record = 0; record < count; record++) {
        conf->module_count = record + 1;
        int rc = read_record(values, conf, record, &conf->modules[record], err);
        if (!rc)
            rc = check_distinct(conf, record, err);
        if (rc)
            return rc;
    }
    return 0;
}

void dkms_modules_release(struct dkms_conf *conf) {
    for (size_t i = 0; i < conf->module_count; i++) {
        struct dkms_conf_module *module = &conf->modules[i];
        free(module->built_name);
        free(module->built_location);
        free(module->dest_name);
        free(module->dest_location);
    }
    free(conf->modules);
    conf->modules = NULL;
    conf->module_count = 0;
}
