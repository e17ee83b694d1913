#include "kmod/lifecycle/cmd_status.h"

#include <stdio.h>
#include <string.h>

#include "kmod/lifecycle/node_json.h"
#include "kmod/lifecycle/status.h"
#include "kmod/module/printable.h"

/* A path and a certificate's name can hold any byte. */
static void print_module(const char *label, const struct facts_module *module) {
    AUTO_FREE char *path = printable_copy(module->path), *signer = printable_copy(module->signer);
    printf("%-12s %s (%s%s)\n", label, path ? path : "",
           *module->signer ? "signed by " : "unsigned", signer ? signer : "");
}

static void print_text(const struct status *status) {
    const struct facts *facts = &status->facts;
    printf("%-12s %s %s (%s) for %s, %s\n", "bake:", facts->module, facts->driver_version,
           facts->driver_kind, facts->kernel, facts->machine);
    printf("%-12s %s\n", "state:", state_word_name(status->word));
    printf("%-12s %u placed, %u as placed, %u gone, %u foreign\n", "paths:", status->paths,
           status->ours, status->gone, status->foreign);
    printf("%-12s %s\n", "dkms:", status->dkms_registered ? "registered" : "not registered");
    printf("%-12s %s\n", "modprobe:", status->modprobe ? "finds every module" : "does not");
    for (size_t i = 0; i < facts->module_count; i++)
        print_module(i ? "" : "modules:", &facts->modules[i]);
    printf("%-12s %.12s\n", "bundle:", facts->bundle);
}

static json_t *modules_json(const struct facts *facts) {
    json_t *list = json_array();
    for (size_t i = 0; i < facts->module_count; i++) {
        const struct facts_module *module = &facts->modules[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", module->name,
                                              "path", module->path, "build_id", module->build_id,
                                              "signer", module->signer, "key_id", module->key_id));
    }
    return list;
}

static json_t *to_json(const struct status *status) {
    if (!status->marker_present)
        return json_pack("{s:i, s:b}", "format", NODE_JSON_FORMAT, "marker_present", 0);
    const struct facts *facts = &status->facts;
    return json_pack(
        "{s:i, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, "
        "s:b, s:b, s:o}",
        "format", NODE_JSON_FORMAT, "marker_present", 1, "state", state_word_name(status->word),
        "kernel", facts->kernel, "arch", facts->machine, "module", facts->module, "driver_version",
        facts->driver_version, "driver_kind", facts->driver_kind, "layout", facts->layout, "bundle",
        facts->bundle, "compression", facts->compression, "paths", (json_int_t)status->paths,
        "ours", (json_int_t)status->ours, "gone", (json_int_t)status->gone, "foreign",
        (json_int_t)status->foreign, "dkms_registered", status->dkms_registered, "modprobe",
        status->modprobe, "modules", modules_json(facts));
}

static int run(struct command_call *call, struct error *err) {
    AUTO_STATUS struct status status = {0};
    int rc = status_read(&call->root, &status, err);
    if (rc)
        return rc;
    if (command_given(call, "json"))
        return node_json_print(to_json(&status), err);
    if (status.marker_present)
        print_text(&status);
    return 0;
}

const struct command cmd_status = {
    .verb = "status",
    .summary = "say what this system carries; nothing is printed without a bake",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options = {{"json", NULL, "print the facts as JSON", NULL}},
    .run = run,
};
