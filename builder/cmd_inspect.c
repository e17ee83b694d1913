#include "builder/cmd_inspect.h"

#include <stdio.h>

#include "builder/inspect.h"
#include "builder/json_text.h"

#define FORMAT 1 /* of --json */

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "none";
}

static long long number_of(const json_t *object, const char *key) {
    return json_integer_value(json_object_get(object, key));
}

static void print_field(const char *key, const char *value) {
    printf("%-14s %s\n", key, value);
}

static void print_modinfo(const json_t *fields) {
    for (size_t i = 0; i < json_array_size(fields); i++) {
        const json_t *field = json_array_get(fields, i);
        print_field(json_string_value(json_array_get(field, 0)),
                    json_string_value(json_array_get(field, 1)));
    }
}

static void print_signature(const json_t *signature) {
    if (json_is_null(signature)) {
        print_field("signature", "none");
        return;
    }
    printf("%-14s %lld bytes\n", "signature", number_of(signature, "size"));
    print_field("  signer", text_of(signature, "signer"));
    print_field("  key id", text_of(signature, "key_id"));
    print_field("  hash", text_of(signature, "hash"));
    const json_t *valid = json_object_get(signature, "valid");
    if (!json_is_null(valid))
        print_field("  valid", json_is_true(valid) ? "yes" : "no");
}

static void print_sections(const json_t *sections) {
    printf("%-14s %zu\n", "sections", json_array_size(sections));
    for (size_t i = 0; i < json_array_size(sections); i++) {
        const json_t *section = json_array_get(sections, i);
        printf("  %12lld %s\n", number_of(section, "size"), text_of(section, "name"));
    }
}

static void print_imports(const json_t *imports) {
    printf("%-14s %zu\n", "imports", json_array_size(imports));
    for (size_t i = 0; i < json_array_size(imports); i++) {
        const json_t *import = json_array_get(imports, i);
        printf("  %-12s %s%s\n", text_of(import, "crc"), text_of(import, "symbol"),
               json_is_true(json_object_get(import, "weak")) ? " (weak)" : "");
    }
}

/* module_layout for one: the version of what the kernel and the module share, and no symbol. */
static void print_versions(const json_t *module) {
    const json_t *versions = json_object_get(module, "versions");
    AUTO_JSON json_t *imports = json_object();
    const json_t *import, *version;
    size_t i;
    json_array_foreach(json_object_get(module, "imports"), i, import) {
        (void)!json_object_set_new(imports, text_of(import, "symbol"), json_true());
    }
    printf("%-14s %zu\n", "versions", json_array_size(versions));
    json_array_foreach(versions, i, version) {
        if (!json_object_get(imports, text_of(version, "symbol")))
            printf("  %-12s %s (not imported)\n", text_of(version, "crc"),
                   text_of(version, "symbol"));
    }
}

static void print_exports(const json_t *exports) {
    printf("%-14s %zu\n", "exports", json_array_size(exports));
    for (size_t i = 0; i < json_array_size(exports); i++) {
        const json_t *export = json_array_get(exports, i);
        printf("  %-12s %s%s %s\n", text_of(export, "crc"), text_of(export, "symbol"),
               json_is_true(json_object_get(export, "gpl_only")) ? " (GPL)" : "",
               json_string_value(json_object_get(export, "namespace")));
    }
}

static void print_packing(const json_t *module) {
    const json_t *packing = json_object_get(module, "packing");
    print_field("compression", text_of(module, "compression"));
    if (json_is_null(packing))
        return;
    print_field("  check", text_of(packing, "check"));
    printf("%-14s %lld bytes\n", "  window", number_of(packing, "window"));
    printf("%-14s %lld bytes\n", "  packed", number_of(packing, "size"));
}

static void print_module(const json_t *module) {
    print_field("file", text_of(module, "file"));
    print_packing(module);
    printf("%-14s %lld bytes unpacked\n", "size", number_of(module, "size"));
    print_modinfo(json_object_get(module, "modinfo"));
    print_field("build id", text_of(module, "build_id"));
    print_signature(json_object_get(module, "signature"));
    print_sections(json_object_get(module, "sections"));
    print_imports(json_object_get(module, "imports"));
    print_versions(module);
    print_exports(json_object_get(module, "exports"));
}

static int inspect_file(const char *path, const struct cms_identity *signer, json_t **module,
                        struct error *err) {
    AUTO_MODULE_FILE struct module_file file = {.name = NULL};
    int rc = module_file_read(path, &file, err);
    return rc < 0 ? rc : inspect_module(&file, signer, module, err);
}

static int show_text(const json_t *modules) {
    for (size_t i = 0; i < json_array_size(modules); i++) {
        if (i > 0)
            putchar('\n');
        print_module(json_array_get(modules, i));
    }
    return 0;
}

static int show_json(json_t *modules, struct error *err) {
    AUTO_JSON json_t *document =
        json_pack("{s:i, s:s, s:O}", "format", FORMAT, "command", "inspect", "modules", modules);
    return document ? json_text_print(document, err) : error_oom(err, "showing modules");
}

static int run(struct command_call *call, struct error *err) {
    if (call->operands.count == 0)
        return error_set(err, ERROR_USAGE, EINVAL, "name the module files to inspect");
    AUTO_CMS_IDENTITY struct cms_identity *signer = NULL;
    const char *certificate = command_value(call, "cert");
    int rc = certificate ? cms_identity_load(certificate, &signer, err) : 0;
    if (rc < 0)
        return rc;
    AUTO_JSON json_t *modules = json_array();
    for (size_t i = 0; i < call->operands.count; i++) {
        json_t *module;
        rc = inspect_file(call->operands.items[i], signer, &module, err);
        if (rc < 0)
            return rc;
        if (json_array_append_new(modules, module) != 0)
            return error_oom(err, "showing modules");
    }
    return command_given(call, "json") ? show_json(modules, err) : show_text(modules);
}

const struct command cmd_inspect = {
    .verb = "inspect",
    .arguments = "FILE...",
    .summary = "show what kernel modules say of themselves",
    .details = "Module information, build id, signature, sections, imported symbols with the\n"
               "CRCs they were compiled against, and exports. Files may be compressed; how is\n"
               "said, too.",
    .options =
        {
            {"cert", "CERT", "say whether the signature is this certificate's (PEM or DER)", NULL},
            {"json", NULL, "print it as JSON", NULL},
        },
    .run = run,
};
