#include "kmod/lifecycle/facts_read.h"

#include <jansson.h>
#include <string.h>

#include "kmod/lifecycle/facts_fields.h"
#include "kmod/lifecycle/facts_value.h"
#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/trusted_file.h"

static void cleanup_json(json_t **value) {
    json_decref(*value);
}
#define AUTO_JSON AUTO(cleanup_json)

static int take_fields(const struct facts_value *object, const struct facts_field *fields,
                       void *base, struct error *err) {
    int rc = 0;
    for (; !rc && fields->key; fields++)
        rc = facts_value_text(object, fields->key, fields->text, facts_fields_place(base, fields),
                              err);
    return rc;
}

static int take_texts(const struct facts_value *object, const char *key, enum facts_text kind,
                      size_t max, struct strlist *list, struct error *err) {
    struct facts_value array;
    int rc = facts_value_array(object, key, max, &array, err);
    for (size_t i = 0; !rc && i < json_array_size(array.json); i++) {
        const char *string = json_string_value(json_array_get(array.json, i));
        if (!string || !facts_fields_fit(kind, string))
            return facts_value_damaged(object, key, err);
        if (strlist_add(list, string))
            return error_oom(err, "reading the facts");
    }
    return rc;
}

static int take_module(const struct facts_value *object, struct facts *facts, struct error *err) {
    struct facts_module *module = facts_add_module(facts);
    if (!module)
        return error_oom(err, "reading the facts");
    return take_fields(object, facts_fields_module, module, err);
}

/* [INODE, CTIME_NS] or with LINK_GROUP or with that and {attributes}. */
static int take_placed(const struct facts_value *row, struct facts *facts, struct error *err) {
    const size_t size = json_array_size(row->json);
    const json_t *inode = json_array_get(row->json, 0), *ctime_ns = json_array_get(row->json, 1),
                 *group = json_array_get(row->json, 2), *attributes = json_array_get(row->json, 3);
    json_int_t group_number = json_integer_value(group);
    if (size < 2 || size > 4 || !json_is_integer(inode) || !json_is_integer(ctime_ns) ||
        (group && !json_is_integer(group)) || group_number < 0 || group_number > UINT32_MAX)
        return facts_value_damaged(row, NULL, err);
    struct facts_placed *placed = facts_add_placed(facts);
    if (!placed)
        return error_oom(err, "reading the facts");
    placed->inode = (uint64_t)json_integer_value(inode);
    placed->ctime_ns = json_integer_value(ctime_ns);
    placed->link_group = (uint32_t)group_number;
    return attributes ? facts_value_xattrs(row, attributes, &placed->xattrs, err) : 0;
}

static int take_index_file(const struct facts_value *object, struct module_index_file *file,
                           struct error *err) {
    int64_t inode = 0;
    int rc = facts_value_text(object, "name", FACTS_TEXT_NAME, &file->name, err);
    if (!rc && !*file->name)
        rc = facts_value_damaged(object, "name", err);
    if (!rc)
        rc = facts_value_integer(object, "inode", &inode, err);
    if (!rc)
        rc = facts_value_integer(object, "ctime_ns", &file->ctime_ns, err);
    if (!rc)
        rc = facts_value_bool(object, "without", &file->without_present, err);
    if (!rc)
        rc = facts_value_integer(object, "without_mtime_ns", &file->without_mtime_ns, err);
    file->inode = (uint64_t)inode;
    return rc;
}

static int take_index(const struct facts_value *object, struct facts *facts, struct error *err) {
    struct module_index *index = facts_add_index(facts);
    if (!index)
        return error_oom(err, "reading the facts");
    struct facts_value files;
    int rc = facts_value_text(object, "kernel", FACTS_TEXT_NAME, &index->kernel, err);
    if (!rc && !*index->kernel)
        rc = facts_value_damaged(object, "kernel", err);
    if (!rc)
        rc = facts_value_bool(object, "stale", &index->stale, err);
    if (!rc)
        rc = facts_value_array(object, "files", FACTS_INDEX_FILES_MAX, &files, err);
    size_t count = rc ? 0 : json_array_size(files.json);
    if (!count)
        return rc;
    index->files = calloc(count, sizeof *index->files);
    if (!index->files)
        return error_oom(err, "reading the facts");
    for (; !rc && index->count < count; index->count++) {
        struct facts_value file = facts_value_element(&files, index->count);
        rc = take_index_file(&file, &index->files[index->count], err);
    }
    return rc;
}

static int take_compared(const struct facts_value *row, struct facts *facts, struct error *err) {
    json_int_t numbers[4];
    if (json_array_size(row->json) != ARRAY_SIZE(numbers))
        return facts_value_damaged(row, NULL, err);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        const json_t *number = json_array_get(row->json, i);
        if (!json_is_integer(number))
            return facts_value_damaged(row, NULL, err);
        numbers[i] = json_integer_value(number);
    }
    const struct compared_pair pair = {(uint64_t)numbers[0], numbers[1], (uint64_t)numbers[2],
                                       numbers[3]};
    return compared_files_add(&facts->compared, &pair) ? error_oom(err, "reading the facts") : 0;
}

static int take_initramfs(const struct facts_value *object, struct facts *facts,
                          struct error *err) {
    AUTO_FREE char *path = NULL, *sha256 = NULL;
    int64_t inode = 0, ctime_ns = 0, size = 0;
    int rc = facts_value_text(object, "path", FACTS_TEXT_PATH, &path, err);
    if (!rc)
        rc = facts_value_integer(object, "inode", &inode, err);
    if (!rc)
        rc = facts_value_integer(object, "ctime_ns", &ctime_ns, err);
    if (!rc)
        rc = facts_value_integer(object, "size", &size, err);
    if (!rc)
        rc = facts_value_text(object, "sha256", FACTS_TEXT_DIGEST, &sha256, err);
    if (rc)
        return rc;
    struct initramfs_file *file = initramfs_files_add(&facts->initramfs, path);
    if (!file)
        return error_oom(err, "reading the facts");
    file->inode = (uint64_t)inode;
    file->ctime_ns = ctime_ns;
    file->size = (uint64_t)size;
    strcpy(file->sha256, sha256); /* "" or exactly a digest */
    return 0;
}

/* Every element of the array `key` through `take`. */
static int take_each(const struct facts_value *top, const char *key, size_t max,
                     int (*take)(const struct facts_value *element, struct facts *facts,
                                 struct error *err),
                     struct facts *facts, struct error *err) {
    struct facts_value array;
    int rc = facts_value_array(top, key, max, &array, err);
    for (size_t i = 0; !rc && i < json_array_size(array.json); i++) {
        struct facts_value element = facts_value_element(&array, i);
        rc = take(&element, facts, err);
    }
    return rc;
}

static int take_loader(const struct facts_value *top, struct loader_cache *cache,
                       struct error *err) {
    struct facts_value object;
    int64_t inode = 0;
    int rc = facts_value_object(top, "loader", &object, err);
    if (!rc)
        rc = facts_value_bool(&object, "used", &cache->used, err);
    if (!rc)
        rc = facts_value_bool(&object, "parked", &cache->parked, err);
    if (!rc)
        rc = facts_value_integer(&object, "inode", &inode, err);
    if (!rc)
        rc = facts_value_integer(&object, "ctime_ns", &cache->ctime_ns, err);
    if (!rc)
        rc = facts_value_bool(&object, "without", &cache->without_present, err);
    if (!rc)
        rc = facts_value_integer(&object, "without_mtime_ns", &cache->without_mtime_ns, err);
    cache->inode = (uint64_t)inode;
    return rc;
}

static int take_manifest(const struct facts_value *top, struct facts *facts, struct error *err) {
    struct facts_value object;
    AUTO_FREE char *sha256 = NULL;
    int64_t inode = 0;
    int rc = facts_value_object(top, "manifest", &object, err);
    if (!rc)
        rc = facts_value_text(&object, "sha256", FACTS_TEXT_DIGEST, &sha256, err);
    if (!rc)
        rc = facts_value_integer(&object, "inode", &inode, err);
    if (!rc)
        rc = facts_value_integer(&object, "ctime_ns", &facts->manifest.ctime_ns, err);
    if (rc)
        return rc;
    facts->manifest.inode = (uint64_t)inode;
    strcpy(facts->manifest.sha256, sha256); /* "" or exactly a digest */
    return 0;
}

static int take_dkms(const struct facts_value *top, struct facts *facts, struct error *err) {
    struct facts_value object;
    int rc = facts_value_object(top, "dkms", &object, err);
    if (!rc)
        rc = take_fields(&object, facts_fields_dkms, &facts->dkms, err);
    return rc ? rc
              : take_texts(&object, "kernels", FACTS_TEXT_NAME, FACTS_KERNELS_MAX,
                           &facts->dkms.kernels, err);
}

static int check_format(const struct facts_value *top, struct error *err) {
    int64_t format;
    int rc = facts_value_integer(top, "format", &format, err);
    if (!rc && format > FACTS_FORMAT)
        rc = error_set(err, ERROR_REFUSED, EPROTONOSUPPORT,
                       "%s has format %lld, this program knows up to %d: use the prebake-node that "
                       "made it; nothing was touched",
                       top->file, (long long)format, FACTS_FORMAT);
    if (!rc && format < 1)
        rc = facts_value_damaged(top, "format", err);
    return rc;
}

static int take_all(const struct facts_value *top, struct facts *facts, struct error *err) {
    int rc = check_format(top, err);
    if (!rc)
        rc = take_fields(top, facts_fields_top, facts, err);
    if (!rc)
        rc = take_each(top, "modules", FACTS_MODULES_MAX, take_module, facts, err);
    if (!rc)
        rc = take_texts(top, "pci_aliases", FACTS_TEXT_ANY, FACTS_ALIASES_MAX, &facts->pci_aliases,
                        err);
    if (!rc)
        rc = take_each(top, "placed", MANIFEST_ENTRIES_MAX, take_placed, facts, err);
    if (!rc)
        rc = take_each(top, "indexes", FACTS_KERNELS_MAX, take_index, facts, err);
    /* Earlier bakes have none. */
    if (!rc && json_object_get(top->json, "compared"))
        rc = take_each(top, "compared", FACTS_COMPARED_MAX, take_compared, facts, err);
    if (!rc)
        rc = take_loader(top, &facts->loader, err);
    if (!rc)
        rc = take_manifest(top, facts, err);
    if (!rc)
        rc = take_dkms(top, facts, err);
    return rc ? rc : take_each(top, "initramfs", FACTS_INITRAMFS_MAX, take_initramfs, facts, err);
}

int facts_parse(const char *text, size_t size, const char *name, struct facts *facts,
                struct error *err) {
    json_error_t parse_error;
    AUTO_JSON json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &parse_error);
    if (!document)
        return error_set(err, ERROR_DAMAGED, EBADMSG, "%s, line %d: %s", name, parse_error.line,
                         parse_error.text);
    AUTO_FACTS struct facts fresh = {0};
    const struct facts_value top = {.file = name, .json = document};
    int rc = take_all(&top, &fresh, err);
    if (rc)
        return rc;
    *facts = fresh;
    fresh = (struct facts){0};
    return 0;
}

int facts_read(const struct root *root, struct facts *facts, struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    int rc = trusted_file_read(root, STATE_FOLDER_FACTS, FACTS_SIZE_MAX, &text, err);
    if (rc)
        return rc;
    AUTO_FREE char *shown = root_host_path(root, STATE_FOLDER_FACTS);
    if (!shown)
        return error_oom(err, "reading the facts");
    return facts_parse(buffer_string(&text), text.size, shown, facts, err);
}
