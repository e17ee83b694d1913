#include "builder/target.h"

#include <string.h>

#include "base/log.h"

static int name_file(const struct kernel_headers *headers, const char *file, char **name) {
    if (asprintf(name, "%s/%s", headers->shown_dir, file) >= 0)
        return 0;
    *name = NULL;
    return -ENOMEM;
}

int target_open(const struct kernel_headers *headers, const char *certificate,
                struct target *target, struct error *err) {
    *target = (struct target){.symvers_name = NULL};
    if (name_file(headers, "include/generated/utsrelease.h", &target->vermagic_name) ||
        name_file(headers, ".config", &target->config_name) ||
        name_file(headers, "Module.symvers", &target->symvers_name)) {
        target_close(target);
        return error_oom(err, "verifying modules");
    }
    target->verify = (struct verify_target){
        .release = headers->release,
        .vermagic = headers->vermagic,
        .vermagic_name = target->vermagic_name,
        .elf_machine = headers->elf_machine,
        .modversions = headers->modversions,
        .extended_modversions = headers->extended_modversions,
        .livepatch = headers->livepatch,
        .plt_sections = headers->plt_sections,
        .gzip = strcmp(headers->compression, "gzip") == 0,
        .ecdsa = headers->ecdsa,
        .p521 = headers->p521,
        .signature_hash = headers->signature_hash,
        .certificate = certificate,
        .config_name = target->config_name,
        .symvers = buffer_string(&headers->symvers),
        .symvers_size = headers->symvers.size,
        .symvers_name = target->symvers_name,
    };
    return 0;
}

void target_close(struct target *target) {
    free(target->vermagic_name);
    free(target->config_name);
    free(target->symvers_name);
    *target = (struct target){.symvers_name = NULL};
}

bool target_only_signatures_fail(const struct verify_report *report) {
    for (size_t i = 0; i < report->count; i++)
        for (size_t f = 0; f < report->verdicts[i].failure_count; f++)
            if (strcmp(report->verdicts[i].failures[f].check, "signature") != 0)
                return false;
    return report->failed > 0;
}

static int judge(const struct verify_report *report, const struct kernel_headers *headers,
                 struct error *err) {
    const char *first = NULL;
    for (size_t i = 0; i < report->count; i++)
        for (size_t f = 0; f < report->verdicts[i].failure_count; f++) {
            const char *text = report->verdicts[i].failures[f].text;
            log_warning("%s", text);
            first = first ? first : text;
        }
    if (!first)
        return 0;
    enum error_kind kind = target_only_signatures_fail(report) ? ERROR_SIGNING : ERROR_DAMAGED;
    return error_set(err, kind, ENOEXEC,
                     "%zu of %zu modules would not load on %s; the first reason: %s",
                     report->failed, report->count, headers->release, first);
}

static void release_files(struct module_file *files, size_t count) {
    for (size_t i = 0; i < count; i++)
        module_file_release(&files[i]);
    free(files);
}

int target_verify_paths(const struct kernel_headers *headers, const char *certificate,
                        const struct strlist *paths, struct error *err) {
    struct module_file *files = calloc(paths->count, sizeof *files);
    if (!files)
        return error_oom(err, "verifying modules");
    int rc = 0;
    size_t count = 0;
    for (; !rc && count < paths->count; count++)
        rc = module_file_read(paths->items[count], &files[count], err);
    AUTO_VERIFY_REPORT struct verify_report report = {0};
    AUTO_TARGET struct target target = {.symvers_name = NULL};
    if (!rc)
        rc = target_open(headers, certificate, &target, err);
    if (!rc)
        rc = verify_modules(&target.verify, files, count, &report, err);
    if (!rc)
        rc = judge(&report, headers, err);
    release_files(files, count);
    return rc;
}
