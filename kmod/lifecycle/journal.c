#include "kmod/lifecycle/journal.h"

#include <jansson.h>
#include <string.h>
#include <sys/random.h>

#include "base/file.h"
#include "base/tree.h"
#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/trusted_file.h"
#include "kmod/system/loader_cache.h"
#include "kmod/system/module_index.h"

#define JOURNAL_FORMAT 1
#define JOURNAL_SIZE_MAX (16 * 1024 * 1024) /* as the manifest */

static void cleanup_json(json_t **value) {
    json_decref(*value);
}
#define AUTO_JSON AUTO(cleanup_json)

int journal_begin(struct journal *journal, struct error *err) {
    *journal = (struct journal){0};
    uint32_t random;
    if (getrandom(&random, sizeof random, 0) != sizeof random)
        return error_io(err, errno, "can't get random bytes");
    snprintf(journal->token, sizeof journal->token, "%08x", random);
    return 0;
}

int journal_add_item(struct journal *journal, const char *path, struct error *err) {
    struct journal_item *items =
        reallocarray(journal->items, journal->item_count + 1, sizeof *items);
    if (!items)
        return error_oom(err, "writing the journal");
    journal->items = items;
    struct journal_item item = {.path = strdup(path)};
    if (!item.path)
        return error_oom(err, "writing the journal");
    journal->items[journal->item_count++] = item;
    return 0;
}

char *journal_temporary(const struct journal *journal, const char *path) {
    const char *name = strrchr(path, '/') + 1;
    char *temporary = NULL;
    int length = asprintf(&temporary, "%.*s.%.200s.prebake-%s", (int)(name - path), path, name,
                          journal->token);
    return length < 0 ? NULL : temporary;
}

/* JSON is UTF-8: a path that is not would be placed and, when the bake is killed, forgotten. */
static int append(json_t *array, json_t *value, const char *text, struct error *err) {
    if (json_array_append_new(array, value) == 0)
        return 0;
    return error_set(err, ERROR_REFUSED, EILSEQ,
                     "the journal can't hold %s: it is not UTF-8 text, or memory ran out", text);
}

static int append_strings(json_t *array, const struct strlist *list, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < list->count; i++)
        rc = append(array, json_string(list->items[i]), list->items[i], err);
    return rc;
}

static int append_items(json_t *array, const struct journal *journal, struct error *err) {
    int rc = 0;
    for (size_t i = 0; !rc && i < journal->item_count; i++) {
        const struct journal_item *item = &journal->items[i];
        rc = append(array, json_pack("[s, I]", item->path, (json_int_t)item->inode), item->path,
                    err);
    }
    return rc;
}

int journal_write(const struct root *root, const struct journal *journal, struct error *err) {
    AUTO_JSON json_t *document = json_pack("{s:i, s:s, s:[], s:[], s:[]}", "format", JOURNAL_FORMAT,
                                           "token", journal->token, "dirs", "items", "kernels");
    int rc = append_strings(json_object_get(document, "dirs"), &journal->dirs, err);
    if (!rc)
        rc = append_items(json_object_get(document, "items"), journal, err);
    if (!rc)
        rc = append_strings(json_object_get(document, "kernels"), &journal->kernels, err);
    if (rc)
        return rc;
    AUTO_FREE char *text = json_dumps(document, JSON_COMPACT);
    if (!text)
        return error_oom(err, "writing the journal");
    /* One that can't be read back would leave what a killed bake placed. */
    if (strlen(text) > JOURNAL_SIZE_MAX)
        return error_set(err, ERROR_REFUSED, EFBIG,
                         "there are too many paths to place (%zu): the journal of them would be "
                         "larger than %d bytes",
                         journal->item_count, JOURNAL_SIZE_MAX);
    struct file_meta meta = FILE_META_DURABLE;
    return file_publish(root, STATE_FOLDER_JOURNAL, text, strlen(text), &meta, err);
}

static int damaged(struct error *err, const char *key) {
    return error_set(err, ERROR_DAMAGED, EBADMSG,
                     STATE_FOLDER_JOURNAL ": '%s' is missing or not what a bake writes there", key);
}

static int strings_from_json(const json_t *document, const char *key, bool (*valid)(const char *),
                             struct strlist *list, struct error *err) {
    const json_t *array = json_object_get(document, key);
    if (!json_is_array(array))
        return damaged(err, key);
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *string = json_string_value(json_array_get(array, i));
        if (!string || !valid(string))
            return damaged(err, key);
        if (strlist_add(list, string))
            return error_oom(err, "reading the journal");
    }
    return 0;
}

static int items_from_json(const json_t *document, struct journal *journal, struct error *err) {
    const json_t *array = json_object_get(document, "items");
    if (!json_is_array(array))
        return damaged(err, "items");
    for (size_t i = 0; i < json_array_size(array); i++) {
        const json_t *pair = json_array_get(array, i);
        const char *path = json_string_value(json_array_get(pair, 0));
        const json_t *inode = json_array_get(pair, 1);
        if (!path || !safe_name_path(path) || !json_is_integer(inode))
            return damaged(err, "items");
        int rc = journal_add_item(journal, path, err);
        if (rc)
            return rc;
        journal->items[i].inode = (uint64_t)json_integer_value(inode);
    }
    return 0;
}

static bool is_token(const char *token) {
    return token && strlen(token) == JOURNAL_TOKEN_SIZE - 1 &&
           strspn(token, "0123456789abcdef") == JOURNAL_TOKEN_SIZE - 1;
}

int journal_read(const struct root *root, struct journal *journal, struct error *err) {
    *journal = (struct journal){0};
    AUTO_BUFFER struct buffer text = {0};
    int rc = trusted_file_read(root, STATE_FOLDER_JOURNAL, JOURNAL_SIZE_MAX, &text, err);
    if (rc)
        return rc;
    AUTO_JSON json_t *document =
        json_loadb((const char *)text.data, text.size, JSON_REJECT_DUPLICATES, NULL);
    const char *token = json_string_value(json_object_get(document, "token"));
    if (json_integer_value(json_object_get(document, "format")) != JOURNAL_FORMAT)
        return damaged(err, "format");
    if (!is_token(token))
        return damaged(err, "token");
    memcpy(journal->token, token, JOURNAL_TOKEN_SIZE);
    rc = strings_from_json(document, "dirs", safe_name_path, &journal->dirs, err);
    if (!rc)
        rc = strings_from_json(document, "kernels", safe_name, &journal->kernels, err);
    if (!rc)
        rc = items_from_json(document, journal, err);
    if (rc)
        journal_release(journal);
    return rc;
}

/* Removes `path` when it has `inode` (0: whatever it is). A missing one or parent is fine. */
static int remove_made(const struct root *root, const char *path, uint64_t inode,
                       struct error *err) {
    struct stat st;
    int rc = root_stat(root, path, &st);
    if (rc == -ENOENT || rc == -ENOTDIR || (rc == 0 && inode && st.st_ino != inode))
        return 0;
    AUTO_CLOSE int parent = -1;
    const char *name;
    rc = root_open_parent(root, path, &parent, &name, err);
    return rc ? rc : tree_remove(parent, name, err);
}

static int roll_back_item(const struct root *root, const struct journal *journal,
                          const struct journal_item *item, struct error *err) {
    AUTO_FREE char *temporary = journal_temporary(journal, item->path);
    if (!temporary)
        return error_oom(err, "taking a bake back");
    int rc = remove_made(root, temporary, 0, err);
    int placed = item->inode ? remove_made(root, item->path, item->inode, rc ? NULL : err) : 0;
    return rc ? rc : placed;
}

/* What was placed last goes first: it may say that all the rest is there. */
int journal_roll_back(const struct root *root, const struct journal *journal, struct error *err) {
    size_t count = journal->item_count;
    int first = count ? roll_back_item(root, journal, &journal->items[count - 1], err) : 0;
    for (size_t i = 0; i < journal->kernels.count; i++) {
        int rc = module_index_undo(root, journal->kernels.items[i], STATE_FOLDER_STORE,
                                   first ? NULL : err);
        first = first ? first : rc;
    }
    for (size_t i = count; i-- > 0;) {
        int rc = roll_back_item(root, journal, &journal->items[i], first ? NULL : err);
        first = first ? first : rc;
    }
    int undone = loader_cache_undo(root, STATE_FOLDER_STORE, first ? NULL : err);
    first = first ? first : undone;
    for (size_t i = journal->dirs.count; i-- > 0;) {
        struct error reason = {0};
        int rc = file_remove_dir(root, journal->dirs.items[i], &reason);
        /* Not empty, or not a directory: somebody put something there. */
        if (first || rc == -ENOTEMPTY || rc == -ENOENT || rc == -ENOTDIR)
            continue;
        first = rc;
        if (rc && err)
            *err = reason;
    }
    return first;
}

void journal_release(struct journal *journal) {
    for (size_t i = 0; i < journal->item_count; i++)
        free(journal->items[i].path);
    free(journal->items);
    strlist_release(&journal->dirs);
    strlist_release(&journal->kernels);
    *journal = (struct journal){0};
}
