#include "builder/module_set.h"

#include <archive_entry.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include "base/tree.h"
#include "base/workers.h"
#include "builder/bundle_record.h"
#include "kmod/system/module_name.h"
#include "toolchain/archive.h"
#include "toolchain/archive_stream.h"

static int note_unreadable(struct module_set *set, const char *path, const struct error *cause,
                           struct error *err) {
    if (strlist_add(&set->unreadable, path) < 0 || strlist_add(&set->reasons, cause->text) < 0)
        return error_oom(err, "reading modules");
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

static int refuse_size(struct error *err) {
    return error_set(err, ERROR_REFUSED, EFBIG,
                     "the modules are larger than 4 GiB in all: name fewer of them");
}

/* Takes over what a read into the next free place of the set gave: `rc` and `cause` say what. */
static int take(struct module_set *set, const char *path, int rc, const struct error *cause,
                struct error *err) {
    const struct module_file *file = &set->files[set->count];
    if (rc < 0 && cause->kind == ERROR_DAMAGED)
        return note_unreadable(set, path, cause, err);
    if (rc < 0) {
        *err = *cause;
        return rc;
    }
    set->count++;
    set->size += file->content.size;
    return set->size > MODULE_SET_MAX ? refuse_size(err) : 0;
}

static int add_file(struct module_set *set, const char *path, struct error *err) {
    struct error cause = {.kind = ERROR_NONE};
    if (reserve(set) < 0)
        return error_oom(err, "reading modules");
    int rc = module_file_read(path, &set->files[set->count], &cause);
    return take(set, path, rc, &cause, err);
}

struct search {
    struct strlist *paths;
    const char *directory;
};

static int visit(void *context, const struct tree_entry *entry, struct error *err) {
    const struct search *search = context;
    if (!S_ISREG(entry->st->st_mode) || module_name_stem(entry->name) == 0)
        return 0;
    return strlist_addf(search->paths, "%s/%s", search->directory, entry->path) < 0
               ? error_oom(err, "reading modules")
               : 0;
}

/* A file that was read, or was not. */
struct reading {
    struct module_file file;
    int rc;
    struct error *cause; /* of a failure */
};

/* Files that are read side by side. */
struct readings {
    const struct strlist *paths;
    struct reading *items;
    size_t size_before;
    atomic_size_t size;
};

static void release_readings(struct readings *readings) {
    for (size_t i = 0; readings->items && i < readings->paths->count; i++) {
        module_file_release(&readings->items[i].file);
        free(readings->items[i].cause);
    }
    free(readings->items);
}

/* A failure is noted, for whoever takes the files in their order. */
static int read_piece(void *context, size_t i, struct error *err) {
    struct readings *readings = context;
    struct reading *reading = &readings->items[i];
    struct error cause = {.kind = ERROR_NONE};
    if (readings->size_before + atomic_load(&readings->size) > MODULE_SET_MAX)
        return refuse_size(err);
    reading->rc = module_file_read(readings->paths->items[i], &reading->file, &cause);
    if (reading->rc == 0)
        atomic_fetch_add(&readings->size, reading->file.content.size);
    else if (!(reading->cause = malloc(sizeof cause)))
        return error_oom(err, "reading modules");
    else
        *reading->cause = cause;
    return 0;
}

static int take_all(struct module_set *set, struct readings *readings, struct error *err) {
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < readings->paths->count; i++) {
        struct reading *reading = &readings->items[i];
        if (reserve(set) < 0)
            return error_oom(err, "reading modules");
        set->files[set->count] = reading->file;
        reading->file = (struct module_file){.name = NULL};
        rc = take(set, readings->paths->items[i], reading->rc, reading->cause, err);
    }
    return rc;
}

static int add_files(struct module_set *set, const struct strlist *paths, struct error *err) {
    AUTO(release_readings)
    struct readings readings = {.paths = paths, .size_before = set->size};
    readings.items = calloc(paths->count + 1, sizeof *readings.items);
    if (!readings.items)
        return error_oom(err, "reading modules");
    int rc = workers_run(paths->count, workers_processors(), read_piece, &readings, err);
    return rc < 0 ? rc : take_all(set, &readings, err);
}

static int add_directory(struct module_set *set, int fd, const char *path, struct error *err) {
    AUTO_STRLIST struct strlist paths = {.items = NULL};
    struct search search = {.paths = &paths, .directory = path};
    int rc = bundle_record_check_modules(path, err);
    if (rc == 0)
        rc = tree_walk(fd, path, visit, &search, err);
    if (rc < 0)
        return rc;
    if (paths.count == 0)
        return error_set(err, ERROR_USAGE, ENOENT, "there are no kernel modules in %s", path);
    return add_files(set, &paths, err);
}

/* The rest of the package's current entry. */
static int read_entry(struct archive_stream *stream, const char *name, struct buffer *content,
                      struct error *err) {
    for (;;) {
        uint8_t chunk[64 << 10];
        size_t got = 0;
        int rc = archive_stream_read(stream, chunk, sizeof chunk, &got, err);
        if (rc < 0 || got == 0)
            return rc;
        if (content->size + got > MODULE_FILE_MAX)
            return error_set(err, ERROR_DAMAGED, EBADMSG, "%s is larger than 512 MiB", name);
        if (buffer_append(content, chunk, got) < 0)
            return error_oom(err, "reading modules");
    }
}

static int add_entry(struct module_set *set, const char *package, struct archive_stream *stream,
                     struct archive_entry *entry, struct error *err) {
    const char *path = archive_entry_pathname(entry);
    const char *slash = path ? strrchr(path, '/') : NULL;
    if (!path || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) ||
        module_name_stem(slash ? slash + 1 : path) == 0)
        return 0;
    AUTO_FREE char *name = NULL;
    AUTO_BUFFER struct buffer content = {.data = NULL};
    struct error cause = {.kind = ERROR_NONE};
    path += strncmp(path, "./", 2) == 0 ? 2 : 0;
    if (reserve(set) < 0 || asprintf(&name, "%s:%s", package, path) < 0) {
        name = NULL;
        return error_oom(err, "reading modules");
    }
    int rc = read_entry(stream, name, &content, err);
    if (rc < 0)
        return rc;
    rc = module_file_take(&content, name, &set->files[set->count], &cause);
    return take(set, name, rc, &cause, err);
}

static int add_package(struct module_set *set, int fd, const char *path, struct error *err) {
    size_t before = set->count + set->unreadable.count;
    AUTO_ARCHIVE_STREAM struct archive_stream *stream = NULL;
    struct archive_entry *entry = NULL;
    int rc = archive_stream_open(&stream, fd, path, true, MODULE_SET_MAX, err);
    do {
        if (rc == 0)
            rc = archive_stream_next(stream, &entry, err);
        if (rc == 0 && entry)
            rc = add_entry(set, path, stream, entry, err);
    } while (rc == 0 && entry);
    if (rc == 0 && set->count + set->unreadable.count == before)
        return error_set(err, ERROR_USAGE, ENOENT, "there are no kernel modules in %s", path);
    return rc;
}

static int add_plain(struct module_set *set, const char *path, struct error *err) {
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 && archive_is_deb(fd) ? add_package(set, fd, path, err)
                                         : add_file(set, path, err);
}

int module_set_add(struct module_set *set, const char *operand, struct error *err) {
    AUTO_CLOSE int fd = open(operand, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        return add_directory(set, fd, operand, err);
    if (errno == ENOENT)
        return error_set(err, ERROR_USAGE, ENOENT, "there is no file %s", operand);
    if (errno != ENOTDIR)
        return error_io(err, errno, "can't open %s", operand);
    return add_plain(set, operand, err);
}

void module_set_release(struct module_set *set) {
    for (size_t i = 0; i < set->count; i++)
        module_file_release(&set->files[i]);
    free(set->files);
    strlist_release(&set->unreadable);
    strlist_release(&set->reasons);
    *set = (struct module_set){.files = NULL};
}
