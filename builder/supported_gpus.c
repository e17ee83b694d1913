#include "builder/supported_gpus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "builder/json_text.h"

#define LIST_SIZE_MAX (16UL << 20)
#define DISPLAY "bc03sc*i*" /* as nvidia_gpus.h looks at display controllers alone */

/* The number that "0x1EB8" is; false for anything else. */
static bool read_id(const json_t *chip, const char *key, unsigned *id) {
    const char *text = json_string_value(json_object_get(chip, key));
    char *end = NULL;
    unsigned long value = text ? strtoul(text, &end, 16) : 0;
    *id = (unsigned)value;
    return text && *text && !*end && value <= 0xffff;
}

static bool has_feature(const json_t *chip, const char *feature) {
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(chip, "features"), i, item) {
        const char *text = json_string_value(item);
        if (text && !strcmp(text, feature))
            return true;
    }
    return false;
}

static int add_once(struct strlist *list, const char *text) {
    return strlist_contains(list, text) ? 0 : strlist_add(list, text);
}

/* 1 for what is no chip. */
static int add_chip(struct supported_gpus *gpus, const json_t *chip) {
    unsigned device, vendor = 0, subsystem = 0;
    char alias[80];
    if (!read_id(chip, "devid", &device))
        return 1;
    if (json_object_get(chip, "legacybranch"))
        return 0;
    if (!json_object_get(chip, "subdevid"))
        snprintf(alias, sizeof alias, "pci:v000010DEd%08Xsv*sd*" DISPLAY, device);
    else if (read_id(chip, "subdevid", &subsystem) && read_id(chip, "subvendorid", &vendor))
        snprintf(alias, sizeof alias, "pci:v000010DEd%08Xsv%08Xsd%08X" DISPLAY, device, vendor,
                 subsystem);
    else
        return 1;
    int rc = add_once(&gpus->all, alias);
    return rc || !has_feature(chip, "kernelopen") ? rc : add_once(&gpus->open, alias);
}

static int no_list(const char *path, const char *why, struct error *err) {
    return error_set(err, ERROR_DAMAGED, EBADMSG,
                     "--supported-gpus %s is not the supported-gpus.json of a driver: %s", path,
                     why);
}

static int add_chips(struct supported_gpus *gpus, const char *path, const json_t *chips,
                     struct error *err) {
    size_t i;
    json_t *chip;
    json_array_foreach(chips, i, chip) {
        int rc = add_chip(gpus, chip);
        if (rc)
            return rc > 0 ? no_list(path, "a chip has no devid, or half a subsystem", err)
                          : error_oom(err, "reading the supported GPUs");
    }
    return gpus->all.count ? 0 : no_list(path, "it lists no GPU that this driver is for", err);
}

int supported_gpus_read(const char *path, struct supported_gpus *gpus, struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    struct error reason = {0};
    int rc = file_read_path(path, LIST_SIZE_MAX, &text, &reason);
    if (rc == -ENOENT || rc == -ENOTDIR)
        return error_set(err, ERROR_USAGE, -rc, "--supported-gpus: there is no file %s", path);
    if (rc) {
        *err = reason;
        return rc;
    }
    AUTO_JSON json_t *document = json_loadb(buffer_string(&text), text.size, 0, NULL);
    const json_t *chips = json_object_get(document, "chips");
    if (!json_is_array(chips))
        return no_list(path, "it has no \"chips\"", err);
    rc = digest_bytes(text.data, text.size, gpus->digest);
    return rc ? error_oom(err, "reading the supported GPUs") : add_chips(gpus, path, chips, err);
}

void supported_gpus_release(struct supported_gpus *gpus) {
    strlist_release(&gpus->all);
    strlist_release(&gpus->open);
    *gpus = (struct supported_gpus){0};
}

/* Every GPU of NVIDIA's. */
static bool is_any_gpu(const char *alias) {
    static const char any[] = "pci:v000010DEd*sv";
    return !strncmp(alias, any, strlen(any));
}

/* NVIDIA's other modules say what they are licensed as; the open ones, something free. */
static const struct strlist *list_for(const struct supported_gpus *gpus,
                                      const struct module_facts *module) {
    return strcmp(module->licence, "NVIDIA") ? &gpus->open : &gpus->all;
}

int supported_gpus_add(const struct supported_gpus *gpus, const struct module_facts *module,
                       struct strlist *aliases) {
    bool claims_any = false;
    int rc = 0;
    for (size_t i = 0; !rc && i < module->aliases.count; i++) {
        const char *alias = module->aliases.items[i];
        bool is_listed = *gpus->digest && is_any_gpu(alias);
        claims_any = claims_any || is_listed;
        if (!strncmp(alias, "pci:", strlen("pci:")) && !is_listed)
            rc = add_once(aliases, alias);
    }
    const struct strlist *listed = list_for(gpus, module);
    for (size_t i = 0; !rc && claims_any && i < listed->count; i++)
        rc = add_once(aliases, listed->items[i]);
    return rc;
}
