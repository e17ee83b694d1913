#include "builder/target.h"

#include "base/log.h"

struct verify_target target_from_headers(const struct kernel_headers *headers) {
    return (struct verify_target){
        .release = headers->release,
        .vermagic = headers->vermagic,
        .elf_machine = headers->elf_machine,
        .modversions = headers->modversions,
        .symvers = buffer_string(&headers->symvers),
        .symvers_size = headers->symvers.size,
        .symvers_name = headers->build_dir,
    };
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
    return error_set(err, ERROR_DAMAGED, ENOEXEC,
                     "%zu of %zu modules would not load on %s; the first reason: %s",
                     report->failed, report->count, headers->release, first);
}

static void release_files(struct module_file *files, size_t count) {
    for (size_t i = 0; i < count; i++)
        module_file_release(&files[i]);
    free(files);
}

int target_verify_paths(const struct kernel_headers *headers, const struct strlist *paths,
                        struct error *err) {
    struct module_file *files = calloc(paths->count, sizeof *files);
    if (!files)
        return error_oom(err, "verifying modules");
    int rc = 0;
    size_t count = 0;
    for (; !rc && count < paths->count; count++)
        rc = module_file_read(paths->items[count], &files[count], err);
    AUTO_VERIFY_REPORT struct verify_report report = {0};
    struct verify_target target = target_from_headers(headers);
    if (!rc)
        rc = verify_modules(&target, files, count, &report, err);
    if (!rc)
        rc = judge(&report, headers, err);
    release_files(files, count);
    return rc;
}
