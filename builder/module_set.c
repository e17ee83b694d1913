#include "builder/module_set.h"

#include <fcntl.h>
#include <string.h>

#include "base/tree.h"

static int note_unreadable(struct module_set *set, const char *path, const struct error *cause,
                           struct error *err) {
    if (strlist_add(&set->unreadable, path) < 0 || strlist_add(&set->reasons, cause->text) < 0)
        return error_oom(err, path);
    return 0;
}

static int reserve(struct module_set *set) {
    if (set->count < set->capacity)
        return 0;
    size_t capacity = set->capacity ? 2 * set->capacity : 16;
    struct module_file *files = reallocarray(set->files, capacity, sizeof(*files));
    if (!files)
        return -ENOMEM;
    set->files = files;
    set->capacity = capacity;
    return 0;
}

static int add_file(struct module_set *set, const char *path, struct error *err) {
    if (reserve(set) < 0)
        return error_oom(err, path);
    struct error cause = {.kind = ERROR_NONE};
    struct module_file *file = &set->files[set->count];
    int rc = module_file_read(path, file, &cause);
    if (rc < 0 && cause.kind == ERROR_DAMAGED)
        return note_unreadable(set, path, &cause, err);
    if (rc < 0) {
        *err = cause;
        return rc;
    }
    set->count++;
    set->size += file->content.size;
    if (set->size > MODULE_SET_MAX)
        return error_set(err, ERROR_REFUSED, EFBIG,
                         "the modules are larger than 4 GiB in all: name fewer of them");
    return 0;
}

static bool is_module_name(const char *name) {
    static const char *const suffixes[] = {".ko", ".ko.gz", ".ko.xz", ".ko.zst"};
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        size_t name_length = strlen(name);
        size_t length = strlen(suffixes[i]);
        if (name_length > length && strcmp(name + name_length - length, suffixes[i]) == 0)
            return true;
    }
    return false;
}

struct search {
    struct module_set *set;
    const char *directory;
};

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    const struct search *search = context;
    if (!S_ISREG(entry->st->st_mode) || !is_module_name(entry->name))
        return 0;
    AUTO_FREE char *path = NULL;
    if (asprintf(&path, "%s/%s", search->directory, entry->path) < 0) {
        path = NULL;
        return error_oom(err, entry->path);
    }
    return add_file(search->set, path, err);
}

static int add_directory(struct module_set *set, int fd, const char *path, struct error *err) {
    size_t before = set->count + set->unreadable.count;
    struct search search = {.set = set, .directory = path};
    int rc = tree_walk(fd, path, visit, &search, err);
    if (rc < 0)
        return rc;
    if (set->count + set->unreadable.count == before)
        return error_set(err, ERROR_USAGE, ENOENT, "there are no kernel modules in %s", path);
    return 0;
}

int module_set_add(struct module_set *set, const char *operand, struct error *err) {
    AUTO_CLOSE int fd = open(operand, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return add_directory(set, fd, operand, err);
    if (errno == ENOENT)
        return error_set(err, ERROR_USAGE, ENOENT, "there is no file %s", operand);
    if (errno != ENOTDIR)
        return error_io(err, errno, "can't open %s", operand);
    return add_file(set, operand, err);
}

void module_set_release(struct module_set *set) {
    for (size_t i = 0; i < set->count; i++)
        module_file_release(&set->files[i]);
    free(set->files);
    strlist_release(&set->unreadable);
    strlist_release(&set->reasons);
    *set = (struct module_set){.files = NULL};
}
