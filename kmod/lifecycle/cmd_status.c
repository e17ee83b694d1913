#include "kmod/lifecycle/cmd_status.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "kmod/lifecycle/managed_gpu.h"
#include "kmod/lifecycle/node_json.h"
#include "kmod/lifecycle/status.h"
#include "kmod/module/printable.h"

/* A path and a certificate's name can hold any byte. */
static void print_module(const char *label, const struct facts_module *module) {
    AUTO_FREE char *path = printable_copy(module->path), *signer = printable_copy(module->signer);
    printf("%-12s %s (%s%s)\n", label, path ? path : "",
           *module->signer ? "signed by " : "unsigned", signer ? signer : "");
}

/* What is to be looked at besides the bake. */
struct readiness {
    const char *driver_type; /* that the node wants; NULL: not asked for */
    const char *kernel;      /* that it runs; NULL: not known */
    struct node_marker marker;
};

static void print_kernel(const char *kernel, const struct facts *facts) {
    if (kernel)
        printf("%-12s %s, %s\n", "kernel:", kernel,
               strcmp(kernel, facts->kernel) ? "not the bake's" : "the bake's");
}

static void print_modprobe(const struct status *status) {
    AUTO_FREE char *other = status->other ? printable_copy(status->other) : NULL;
    if (other)
        printf("%-12s finds %s instead of the bake's module\n", "modprobe:", other);
    else
        printf("%-12s %s\n", "modprobe:", status->modprobe ? "finds every module" : "does not");
}

static void print_text(const struct status *status, const struct readiness *readiness) {
    const struct facts *facts = &status->facts;
    printf("%-12s %s %s (%s) for %s, %s\n", "bake:", facts->module, facts->driver_version,
           facts->driver_kind, facts->kernel, facts->machine);
    printf("%-12s %s\n", "state:", state_word_name(status->word));
    print_kernel(readiness->kernel, facts);
    printf("%-12s %u placed, %u as placed, %u gone, %u foreign\n", "paths:", status->paths,
           status->ours, status->gone, status->foreign);
    printf("%-12s %s\n", "dkms:", status->dkms_registered ? "registered" : "not registered");
    print_modprobe(status);
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

static json_t *bake_json(const struct status *status) {
    if (!status->marker_present)
        return json_pack("{s:i, s:b}", "format", NODE_JSON_FORMAT, "marker_present", 0);
    const struct facts *facts = &status->facts;
    return json_pack(
        "{s:i, s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, "
        "s:b, s:b, s:o}",
        "format", NODE_JSON_FORMAT, "marker_present", 1, "state", state_word_name(status->word),
        "kernel", facts->kernel, "arch", facts->machine, "module", facts->module, "driver_version",
        facts->driver_version, "driver_kind", facts->driver_kind, "layout", facts->layout,
        "compat_marker", facts->compat_marker, "bundle", facts->bundle, "compression",
        facts->compression, "paths", (json_int_t)status->paths, "ours", (json_int_t)status->ours,
        "gone", (json_int_t)status->gone, "foreign", (json_int_t)status->foreign, "dkms_registered",
        status->dkms_registered, "modprobe", status->modprobe, "modules", modules_json(facts));
}

static json_t *to_json(const struct status *status, const struct readiness *readiness) {
    json_t *document = bake_json(status);
    if (document && status->marker_present && readiness->kernel)
        json_object_set_new(document, "kernel_match",
                            json_boolean(!strcmp(readiness->kernel, status->facts.kernel)));
    if (document && readiness->driver_type)
        json_object_set_new(
            document, "managed_gpu",
            managed_gpu_json(readiness->driver_type, &readiness->marker, status->word));
    return document;
}

static int print_line(const struct command_call *call, const struct status *status,
                      const struct readiness *readiness, struct error *err) {
    if (!readiness->driver_type)
        return 0;
    return managed_gpu_line(command_value(call, "tag"), readiness->driver_type, &readiness->marker,
                            status->word, err);
}

static int print(const struct command_call *call, const struct status *status,
                 const struct readiness *readiness, struct error *err) {
    if (command_given(call, "json"))
        return node_json_print(to_json(status, readiness), err);
    if (status->marker_present)
        print_text(status, readiness);
    return print_line(call, status, readiness, err);
}

/* A probe asks of every node, and of a bake that can't be believed the marker still tells. */
static int print_marker(const struct command_call *call, const struct status *status,
                        const struct readiness *readiness, struct error *err) {
    if (!command_given(call, "json") || !readiness->driver_type)
        return print_line(call, status, readiness, err);
    return node_json_print(
        json_pack("{s:i, s:b, s:o}", "format", NODE_JSON_FORMAT, "marker_present",
                  readiness->marker.present, "managed_gpu",
                  managed_gpu_json(readiness->driver_type, &readiness->marker, status->word)),
        err);
}

static int read_and_print(const struct command_call *call, struct readiness *readiness,
                          struct error *err) {
    AUTO_STATUS struct status status = {0};
    struct error ignored = {0};
    int rc = node_marker_find(&call->root, command_value(call, "legacy-marker"), &readiness->marker,
                              err);
    if (rc && err->kind == ERROR_USAGE)
        return rc;
    int unread = status_read(&call->root, &status, rc ? &ignored : err);
    rc = rc ? rc : unread;
    if (!rc)
        return print(call, &status, readiness, err);
    int unprinted = print_marker(call, &status, readiness, &ignored);
    return unprinted == -ENOMEM ? error_oom(err, "printing the status") : rc;
}

static int run(struct command_call *call, struct error *err) {
    struct utsname system;
    struct readiness readiness = {.driver_type = command_value(call, "driver-type"),
                                  .kernel = command_value(call, "kernel")};
    if (!readiness.kernel && call->root.is_host && uname(&system) == 0)
        readiness.kernel = system.release;
    int rc = read_and_print(call, &readiness, err);
    node_marker_release(&readiness.marker);
    return rc;
}

const struct command cmd_status = {
    .verb = "status",
    .summary = "say what this system carries; nothing is printed without a bake",
    .details = "With --driver-type a telemetry line says whether a node that wants such a driver\n"
               "finds one of its kind in the image, also when there is none.\n",
    .needs = COMMAND_NEEDS_ROOT_USER | COMMAND_NEEDS_TREE,
    .options =
        {
            {"driver-type", "TYPE", "the driver that the node wants", COMMAND_EVEN_EMPTY},
            {"legacy-marker", "PATH", "the marker of an image that another tool baked", NULL},
            {"kernel", "RELEASE", "what runs, or will (default: the running one)", NULL},
            {"tag", "TAG", "a telemetry line's first word (default PREBAKE)", NULL},
            {"json", NULL, "print the facts as JSON", NULL},
        },
    .run = run,
};
