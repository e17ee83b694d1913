#include "builder/inspect.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "builder/json_text.h"
#include "kmod/module/elf_module.h"
#include "kmod/module/import_check.h"
#include "kmod/module/modinfo.h"
#include "kmod/module/module_exports.h"
#include "kmod/module/modversions.h"
#include "kmod/module/signature.h"

/*
 * The functions that make a piece return NULL when out of memory; a value that is NULL makes the
 * json_pack() or json_array_append_new() around it fail, and that frees the other parts.
 */

static json_t *array_or_null(json_t *array, int rc) {
    if (rc == 0)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *crc_json(bool known, uint32_t crc) {
    char text[16];
    snprintf(text, sizeof(text), "0x%08x", crc);
    return known ? json_string(text) : json_null();
}

/* "key=value" → [key, value] */
static json_t *field_json(const char *entry) {
    size_t length = strcspn(entry, "=");
    AUTO_FREE char *key = strndup(entry, length);
    if (!key)
        return NULL;
    return json_pack("[o, o]", json_text(key), json_text(entry + length + (entry[length] == '=')));
}

static json_t *modinfo_json(const struct modinfo *modinfo) {
    json_t *fields = json_array();
    int rc = 0;
    for (const char *entry = modinfo_next(modinfo, NULL); rc == 0 && entry;
         entry = modinfo_next(modinfo, entry))
        rc = json_array_append_new(fields, field_json(entry));
    return array_or_null(fields, rc);
}

static json_t *sections_json(const struct elf_module *elf) {
    json_t *sections = json_array();
    int rc = 0;
    for (size_t i = 1; rc == 0 && i < elf->section_count; i++)
        rc = json_array_append_new(sections,
                                   json_pack("{s:o, s:I}", "name", json_text(elf->sections[i].name),
                                             "size", (json_int_t)elf->sections[i].load_size));
    return array_or_null(sections, rc);
}

static json_t *imports_json(const struct elf_module *elf, const struct modversion_list *versions) {
    json_t *imports = json_array();
    int rc = 0;
    for (size_t i = 1; rc == 0 && i < elf->symbol_count; i++) {
        struct elf_symbol symbol;
        elf_module_symbol(elf, i, &symbol);
        if (!import_check_is_import(&symbol, elf->identity.machine))
            continue;
        const struct modversion *version = modversions_find(versions, symbol.name);
        rc = json_array_append_new(imports,
                                   json_pack("{s:o, s:o, s:b}", "symbol", json_text(symbol.name),
                                             "crc", crc_json(version, version ? version->crc : 0),
                                             "weak", symbol.binding == STB_WEAK));
    }
    return array_or_null(imports, rc);
}

static int compare_names(const void *left, const void *right) {
    const struct export *a = left;
    const struct export *b = right;
    return strcmp(a->name, b->name);
}

static json_t *exports_json(const struct export_table *exports) {
    json_t *array = json_array();
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < exports->count; i++) {
        const struct export *export = &exports->items[i];
        rc = json_array_append_new(
            array, json_pack("{s:o, s:o, s:b, s:o}", "symbol", json_text(export->name), "crc",
                             crc_json(export->has_crc, export->crc), "gpl_only", export->gpl_only,
                             "namespace", json_text(export->name_space)));
    }
    return array_or_null(array, rc);
}

static int compare_places(const void *left, const void *right) {
    const struct modversion *a = left;
    const struct modversion *b = right;
    return (a->name > b->name) - (a->name < b->name);
}

/* In the file's order; from here on nothing is looked up in the list. */
static json_t *versions_json(struct modversion_list *list) {
    json_t *array = json_array();
    int rc = 0;
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(*list->items), compare_places);
    for (size_t i = 0; rc == 0 && i < list->count; i++)
        rc = json_array_append_new(array,
                                   json_pack("{s:o, s:o}", "symbol", json_text(list->items[i].name),
                                             "crc", crc_json(true, list->items[i].crc)));
    return array_or_null(array, rc);
}

static json_t *packing_json(const struct module_file *file) {
    if (file->compression == COMPRESSION_NONE)
        return json_null();
    return json_pack("{s:s, s:I, s:b, s:I}", "check", file->packing.check, "window",
                     (json_int_t)file->packing.window, "sized", file->packing.sized, "size",
                     (json_int_t)file->packed_size);
}

/* null when no certificate is given to ask of. */
static json_t *valid_json(const struct module_file *file, const struct cms_identity *signer) {
    if (!signer)
        return json_null();
    return json_boolean(signature_verify_by(file->content.data, file->content.size, signer, NULL) ==
                        0);
}

static int signature_json(const struct module_file *file, const struct cms_identity *signer,
                          json_t **value, struct error *err) {
    AUTO_SIGNATURE_INFO struct signature_info info = {.signer = NULL};
    int rc = signature_read(file->content.data, file->content.size, &info, err);
    if (rc == -ENOENT)
        *value = json_null();
    else if (rc == 0)
        *value = json_pack("{s:o, s:o, s:o, s:I, s:o}", "signer", json_text(info.signer), "key_id",
                           json_text(info.key_id), "hash", json_text(info.hash), "size",
                           (json_int_t)(file->content.size - file->elf_size), "valid",
                           valid_json(file, signer));
    else
        return error_wrap(err, rc, "%s", file->name);
    return *value ? 0 : error_oom(err, "inspecting a module");
}

/* What is read before it can be shown. */
struct inspected {
    struct elf_module elf;
    struct modinfo modinfo;
    struct modversions versions;
    struct export_table exports;
    char *build_id;
};

/* For people: from here on nothing is looked up in the table. */
static void sort_by_name(struct export_table *exports) {
    if (exports->count > 1)
        qsort(exports->items, exports->count, sizeof(*exports->items), compare_names);
}

static void release_inspected(struct inspected *inspected) {
    free(inspected->build_id);
    export_table_release(&inspected->exports);
    modversions_release(&inspected->versions);
    elf_module_close(&inspected->elf);
}

static int read_inspected(const struct module_file *file, struct inspected *inspected,
                          struct error *err) {
    int rc = elf_module_open(file, &inspected->elf, err);
    if (rc == 0)
        rc = modinfo_read(&inspected->elf, &inspected->modinfo, err);
    if (rc == 0)
        rc = modversions_read(&inspected->elf, &inspected->versions, err);
    if (rc == 0)
        rc = module_exports_read(&inspected->elf, file->name, 0, &inspected->exports, err);
    if (rc == 0)
        rc = elf_module_build_id(&inspected->elf, &inspected->build_id, err);
    return rc;
}

int inspect_module(const struct module_file *file, const struct cms_identity *signer,
                   json_t **value, struct error *err) {
    *value = NULL;
    AUTO(release_inspected) struct inspected inspected = {.build_id = NULL};
    json_t *signature = NULL;
    int rc = read_inspected(file, &inspected, err);
    if (rc == 0)
        rc = signature_json(file, signer, &signature, err);
    if (rc < 0)
        return rc;
    sort_by_name(&inspected.exports);
    /* The imports are looked up in the versions before these are put in another order. */
    json_t *imports =
        imports_json(&inspected.elf, modversions_effective(&inspected.versions, true));
    *value = json_pack("{s:o, s:s, s:o, s:I, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "file",
                       json_text(file->name), "compression", compression_name(file->compression),
                       "packing", packing_json(file), "size", (json_int_t)file->content.size,
                       "machine", (int)inspected.elf.identity.machine, "modinfo",
                       modinfo_json(&inspected.modinfo), "build_id", json_text(inspected.build_id),
                       "signature", signature, "sections", sections_json(&inspected.elf), "imports",
                       imports, "versions", versions_json(&inspected.versions.basic),
                       "extended_versions", versions_json(&inspected.versions.extended), "exports",
                       exports_json(&inspected.exports));
    return *value ? 0 : error_oom(err, "inspecting a module");
}
