#include "kmod/lifecycle/facts_write.h"

#include <jansson.h>
#include <string.h>

#include "base/file.h"
#include "kmod/lifecycle/facts_fields.h"
#include "kmod/lifecycle/manifest.h"
#include "kmod/lifecycle/state_folder.h"

/*
 * Building goes on after a failed allocation: jansson takes a NULL value as a failure of the same
 * call, so `failed` at the end is enough.
 */
struct writer {
    bool failed;         /* out of memory */
    const char *refused; /* the key of a value that the reader would not take */
};

static void cleanup_json(json_t **value) {
    json_decref(*value);
}
#define AUTO_JSON AUTO(cleanup_json)

/* Takes `value` over. */
static void set(struct writer *writer, json_t *object, const char *key, json_t *value) {
    if (json_object_set_new_nocheck(object, key, value))
        writer->failed = true;
}

static void append(struct writer *writer, json_t *array, json_t *value) {
    if (json_array_append_new(array, value))
        writer->failed = true;
}

static json_t *text(struct writer *writer, const char *key, enum facts_text kind,
                    const char *value) {
    value = value ? value : "";
    json_t *string = json_string(value); /* NULL too when it is not UTF-8 */
    if (!facts_fields_fit(kind, value) || !string)
        writer->refused = writer->refused ? writer->refused : key;
    return string ? string : json_null();
}

static json_t *integer(uint64_t number) {
    return json_integer((json_int_t)number);
}

static void set_fields(struct writer *writer, json_t *object, const struct facts_field *fields,
                       const void *base) {
    for (; fields->key; fields++) {
        const char *value = *facts_fields_place((void *)(uintptr_t)base, fields);
        set(writer, object, fields->key, text(writer, fields->key, fields->text, value));
    }
}

static json_t *texts(struct writer *writer, const char *key, enum facts_text kind,
                     const struct strlist *list, size_t max) {
    json_t *array = json_array();
    if (list->count > max)
        writer->refused = key;
    for (size_t i = 0; i < list->count; i++)
        append(writer, array, text(writer, key, kind, list->items[i]));
    return array;
}

static json_t *modules(struct writer *writer, const struct facts *facts) {
    json_t *array = json_array();
    if (facts->module_count > FACTS_MODULES_MAX)
        writer->refused = "modules";
    for (size_t i = 0; i < facts->module_count; i++) {
        json_t *module = json_object();
        set_fields(writer, module, facts_fields_module, &facts->modules[i]);
        append(writer, array, module);
    }
    return array;
}

static json_t *hex(const struct xattr *attribute) {
    AUTO_BUFFER struct buffer digits = {0};
    for (size_t i = 0; i < attribute->size; i++)
        if (buffer_printf(&digits, "%02x", attribute->value[i]))
            return NULL;
    return json_string(buffer_string(&digits));
}

static json_t *attributes(struct writer *writer, const struct xattrs *list) {
    json_t *object = json_object();
    for (size_t i = 0; i < list->count; i++) {
        if (!json_object_set_new(object, list->items[i].name, hex(&list->items[i])))
            continue;
        writer->refused = writer->refused ? writer->refused : "placed: an attribute's name";
    }
    return object;
}

static json_t *placed(struct writer *writer, const struct facts_placed *path) {
    json_t *row = json_array();
    append(writer, row, integer(path->inode));
    append(writer, row, json_integer(path->ctime_ns));
    if (path->link_group || path->xattrs.count)
        append(writer, row, json_integer(path->link_group));
    if (path->xattrs.count)
        append(writer, row, attributes(writer, &path->xattrs));
    return row;
}

static json_t *all_placed(struct writer *writer, const struct facts *facts) {
    json_t *array = json_array();
    if (facts->placed_count > MANIFEST_ENTRIES_MAX)
        writer->refused = "placed";
    for (size_t i = 0; i < facts->placed_count; i++)
        append(writer, array, placed(writer, &facts->placed[i]));
    return array;
}

static json_t *index_file(struct writer *writer, const struct module_index_file *file) {
    json_t *object = json_object();
    set(writer, object, "name", text(writer, "indexes: name", FACTS_TEXT_NAME, file->name));
    set(writer, object, "inode", integer(file->inode));
    set(writer, object, "ctime_ns", json_integer(file->ctime_ns));
    set(writer, object, "without", json_boolean(file->without_present));
    set(writer, object, "without_mtime_ns", json_integer(file->without_mtime_ns));
    return object;
}

static json_t *indexes(struct writer *writer, const struct facts *facts) {
    json_t *array = json_array();
    if (facts->index_count > FACTS_KERNELS_MAX)
        writer->refused = "indexes";
    for (size_t i = 0; i < facts->index_count; i++) {
        const struct module_index *index = &facts->indexes[i];
        json_t *object = json_object(), *files = json_array();
        if (index->count > FACTS_INDEX_FILES_MAX)
            writer->refused = "indexes: files";
        for (size_t j = 0; j < index->count; j++)
            append(writer, files, index_file(writer, &index->files[j]));
        set(writer, object, "kernel",
            text(writer, "indexes: kernel", FACTS_TEXT_NAME, index->kernel));
        set(writer, object, "stale", json_boolean(index->stale));
        set(writer, object, "files", files);
        append(writer, array, object);
    }
    return array;
}

static json_t *compared(struct writer *writer, const struct compared_files *files) {
    json_t *array = json_array();
    if (files->count > FACTS_COMPARED_MAX)
        writer->refused = "compared";
    for (size_t i = 0; i < files->count; i++) {
        const struct compared_pair *pair = &files->items[i];
        append(writer, array,
               json_pack("[I, I, I, I]", (json_int_t)pair->inode, (json_int_t)pair->ctime_ns,
                         (json_int_t)pair->other_inode, (json_int_t)pair->other_ctime_ns));
    }
    return array;
}

static json_t *initramfs(struct writer *writer, const struct initramfs_files *files) {
    json_t *array = json_array();
    if (files->count > FACTS_INITRAMFS_MAX)
        writer->refused = "initramfs";
    for (size_t i = 0; i < files->count; i++) {
        const struct initramfs_file *file = &files->items[i];
        json_t *object = json_object();
        set(writer, object, "path", text(writer, "initramfs: path", FACTS_TEXT_PATH, file->path));
        set(writer, object, "inode", integer(file->inode));
        set(writer, object, "ctime_ns", json_integer(file->ctime_ns));
        set(writer, object, "size", integer(file->size));
        set(writer, object, "sha256",
            text(writer, "initramfs: sha256", FACTS_TEXT_DIGEST, file->sha256));
        append(writer, array, object);
    }
    return array;
}

/* NULL when out of memory. */
static json_t *loader(const struct loader_cache *cache) {
    return json_pack("{s:b, s:b, s:I, s:I, s:b, s:I}", "used", cache->used, "parked", cache->parked,
                     "inode", (json_int_t)cache->inode, "ctime_ns", (json_int_t)cache->ctime_ns,
                     "without", cache->without_present, "without_mtime_ns",
                     (json_int_t)cache->without_mtime_ns);
}

static json_t *manifest(struct writer *writer, const struct facts_manifest *file) {
    json_t *object = json_object();
    set(writer, object, "sha256",
        text(writer, "manifest: sha256", FACTS_TEXT_DIGEST, file->sha256));
    set(writer, object, "inode", integer(file->inode));
    set(writer, object, "ctime_ns", json_integer(file->ctime_ns));
    return object;
}

static json_t *dkms(struct writer *writer, const struct facts_dkms *registration) {
    json_t *object = json_object();
    set_fields(writer, object, facts_fields_dkms, registration);
    set(writer, object, "kernels",
        texts(writer, "dkms: kernels", FACTS_TEXT_NAME, &registration->kernels, FACTS_KERNELS_MAX));
    return object;
}

static json_t *document(struct writer *writer, const struct facts *facts) {
    json_t *object = json_object();
    set(writer, object, "format", json_integer(FACTS_FORMAT));
    set_fields(writer, object, facts_fields_top, facts);
    set(writer, object, "modules", modules(writer, facts));
    set(writer, object, "pci_aliases",
        texts(writer, "pci_aliases", FACTS_TEXT_ANY, &facts->pci_aliases, FACTS_ALIASES_MAX));
    set(writer, object, "placed", all_placed(writer, facts));
    set(writer, object, "indexes", indexes(writer, facts));
    set(writer, object, "compared", compared(writer, &facts->compared));
    set(writer, object, "loader", loader(&facts->loader));
    set(writer, object, "manifest", manifest(writer, &facts->manifest));
    set(writer, object, "dkms", dkms(writer, &facts->dkms));
    set(writer, object, "initramfs", initramfs(writer, &facts->initramfs));
    return object;
}

static int append_to_buffer(const char *bytes, size_t size, void *out) {
    return buffer_append(out, bytes, size);
}

int facts_format(const struct facts *facts, struct buffer *out, struct error *err) {
    struct writer writer = {0};
    AUTO_JSON json_t *object = document(&writer, facts);
    if (writer.refused)
        return error_set(err, ERROR_REFUSED, EINVAL,
                         "the facts can't hold this value of \"%s\": it is too long, no plain "
                         "name, or not UTF-8",
                         writer.refused);
    const size_t before = out->size;
    if (!object || writer.failed ||
        json_dump_callback(object, append_to_buffer, out, JSON_COMPACT) ||
        buffer_append_string(out, "\n"))
        return error_oom(err, "writing the facts");
    if (out->size - before > FACTS_SIZE_MAX)
        return error_set(err, ERROR_REFUSED, EFBIG, "the facts would be larger than %d bytes",
                         FACTS_SIZE_MAX);
    return 0;
}

int facts_write(const struct root *root, const struct facts *facts, struct error *err) {
    AUTO_BUFFER struct buffer bytes = {0};
    int rc = facts_format(facts, &bytes, err);
    if (rc)
        return rc;
    const struct file_meta meta = FILE_META_DURABLE;
    return file_publish(root, STATE_FOLDER_FACTS, bytes.data, bytes.size, &meta, err);
}
