#include "builder/cmd_verify.h"

#include "base/workers.h"
#include "builder/module_set.h"
#include "builder/target.h"
#include "builder/verify_show.h"
#include "toolchain/headers_source.h"

static int read_headers(const struct command_call *call, struct kernel_headers *headers,
                        struct error *err) {
    const char *release = command_value(call, "kernel");
    const char *source = command_value(call, "headers");
    if (source && command_given(call, "root"))
        return error_set(err, ERROR_USAGE, EINVAL,
                         "the headers are either --headers or in --root: give one of them");
    if (source)
        return headers_source_read(source, release, headers, err);
    AUTO_FREE char *chosen = NULL;
    if (!release) {
        int rc = kernel_headers_choose(&call->root, &chosen, err);
        if (rc < 0)
            return rc;
        release = chosen;
    }
    return kernel_headers_read(&call->root, release, headers, err);
}

static int read_modules(const struct command_call *call, struct module_set *set,
                        struct error *err) {
    if (call->operands.count == 0)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "name the modules to verify, or a directory that holds them");
    for (size_t i = 0; i < call->operands.count; i++) {
        int rc = module_set_add(set, call->operands.items[i], err);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* What is to be read: one does not need the other. */
struct reading {
    const struct command_call *call;
    struct module_set *set;
    struct kernel_headers *headers;
};

static int read_piece(void *context, size_t index, struct error *err) {
    const struct reading *reading = context;
    return index == 0 ? read_modules(reading->call, reading->set, err)
                      : read_headers(reading->call, reading->headers, err);
}

static int verify(const struct command_call *call, const struct kernel_headers *headers,
                  const struct module_set *set, struct verify_report *report, struct error *err) {
    AUTO_TARGET struct target target = {.symvers_name = NULL};
    int rc = target_open(headers, command_value(call, "cert"), &target, err);
    if (rc < 0)
        return rc;
    target.verify.signature_forced = headers->signature_forced;
    return verify_modules(&target.verify, set->files, set->count, report, err);
}

/* The exit status says whether another key would do. */
static int conclude(const struct module_set *set, const struct verify_report *report,
                    const struct kernel_headers *headers, struct error *err) {
    size_t failed = set->unreadable.count + report->failed;
    if (failed == 0)
        return 0;
    bool signing = set->unreadable.count == 0 && target_only_signatures_fail(report);
    return error_set(err, signing ? ERROR_SIGNING : ERROR_DAMAGED, ENOEXEC,
                     "%zu of %zu modules will not load on %s", failed,
                     set->unreadable.count + report->count, headers->release);
}

static int run(struct command_call *call, struct error *err) {
    AUTO_KERNEL_HEADERS struct kernel_headers headers = {.release = NULL};
    AUTO_MODULE_SET struct module_set set = {.files = NULL};
    AUTO_VERIFY_REPORT struct verify_report report = {.verdicts = NULL};
    struct reading reading = {call, &set, &headers};
    int rc = workers_run(2, workers_processors(), read_piece, &reading, err);
    if (rc == 0)
        rc = verify(call, &headers, &set, &report, err);
    if (rc == 0)
        rc = command_given(call, "json") ? verify_show_json(&set, &report, &headers, err)
                                         : verify_show_text(&set, &report, &headers, err);
    return rc < 0 ? rc : conclude(&set, &report, &headers, err);
}

const struct command cmd_verify = {
    .verb = "verify",
    .arguments = "FILE|DIR|DEB...",
    .summary = "prove that modules will load on a kernel",
    .details = "All files are one set: they may use each other's exports. A directory and a .deb\n"
               "stand for the modules in them. Checked are machine, vermagic, every imported\n"
               "symbol and its CRC, licence and namespaces, sections and relocations, and how a\n"
               "file is packed, against the headers and Module.symvers of the kernel; with --cert\n"
               "the signature, too. Exit status 7 when one fails, 10 when only signatures do.",
    .needs = COMMAND_NEEDS_TREE,
    .options =
        {
            {"kernel", "RELEASE", "the kernel; needed when there are headers of several", NULL},
            {"headers", "PATH,..", "headers that are not installed: a directory or packages", NULL},
            {"cert", "CERT", "modules must be signed with this certificate's key (PEM or DER)",
             NULL},
            {"json", NULL, "print the verdicts as JSON", NULL},
        },
    .run = run,
};
