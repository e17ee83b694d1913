#include "kmod/lifecycle/manifest_read.h"

#include <limits.h>
#include <string.h>

#include "base/strlist.h"
#include "kmod/lifecycle/manifest_keyword.h"
#include "kmod/lifecycle/mtree_text.h"
#include "kmod/lifecycle/safe_name.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/trusted_file.h"

#define FIRST_LINE "#mtree\n"
/* A path and a target, every byte of them escaped, and the other keywords. */
#define LINE_MAX_SIZE (2 * 4 * PATH_MAX + 4096)

struct reader {
    const char *name;
    size_t line;
    struct manifest *manifest;
    struct strlist dirs;   /* every directory so far, parents too; sorted, as the lines are */
    char last[PATH_MAX];   /* the path of the line before */
    char path[PATH_MAX];   /* of this line; "/" for "." */
    char target[PATH_MAX]; /* of this line, when it is a link */
    char *text;            /* LINE_MAX_SIZE bytes: this line */
};

static void release_reader(struct reader *reader) {
    strlist_release(&reader->dirs);
    free(reader->text);
}

static int damaged(const struct reader *reader, struct error *err, const char *what) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s, line %zu: %s; nothing was touched",
                     reader->name, reader->line, what);
}

static int refuse(const struct reader *reader, struct error *err, const char *what) {
    return error_set(err, ERROR_REFUSED, EINVAL, "%s, line %zu: %s; nothing was touched",
                     reader->name, reader->line, what);
}

static int compare_names(const void *name, const void *item) {
    return strcmp(name, *(char *const *)item);
}

static bool is_known_dir(const struct reader *reader, const char *path) {
    return reader->dirs.count && bsearch(path, reader->dirs.items, reader->dirs.count,
                                         sizeof *reader->dirs.items, compare_names);
}

/* Every parent has its own line before this one. So nothing below a link or a file gets in. */
static bool has_known_parent(struct reader *reader) {
    char *slash = strrchr(reader->path, '/');
    char *end = slash == reader->path ? slash + 1 : slash;
    char kept = *end;
    if (slash == reader->path && !kept)
        return true; /* "/" itself */
    *end = '\0';
    bool known = is_known_dir(reader, reader->path);
    *end = kept;
    return known;
}

/* "./usr/src" → "/usr/src", "." → "/". */
static int take_path(struct reader *reader, const char *word, struct error *err) {
    if (!strcmp(word, ".")) {
        strcpy(reader->path, "/");
    } else {
        if (strncmp(word, "./", 2))
            return refuse(reader, err, "the path does not begin with \"./\"");
        if (!mtree_text_unescape(word + 1, reader->path, sizeof reader->path))
            return damaged(reader, err, "the path is too long or not escaped as it should be");
        if (!safe_name_path(reader->path))
            return refuse(reader, err, "the path has an empty, \".\" or \"..\" component");
    }
    if (strcmp(reader->last, reader->path) >= 0)
        return damaged(reader, err, "the path is out of order or there twice");
    if (!has_known_parent(reader))
        return refuse(reader, err, "the path is not below a directory that has a line before it");
    strcpy(reader->last, reader->path);
    return 0;
}

static int take_keywords(struct reader *reader, char *rest, struct manifest_entry *entry,
                         unsigned *seen, struct error *err) {
    for (char *word; (word = strsep(&rest, " "));) {
        struct manifest_keyword_value value = {
            .entry = entry, .target = reader->target, .target_capacity = sizeof reader->target};
        const char *complaint = manifest_keyword_take(word, &value, seen);
        if (complaint)
            return damaged(reader, err, complaint);
    }
    return 0;
}

static int take_line(struct reader *reader, struct error *err) {
    char *rest = reader->text;
    const char *word = strsep(&rest, " ");
    int rc = take_path(reader, word, err);
    if (rc)
        return rc;
    struct manifest_entry entry = {.path = reader->path, .target = reader->target};
    unsigned seen = 0;
    rc = take_keywords(reader, rest, &entry, &seen, err);
    if (rc)
        return rc;
    bool is_parent = manifest_keyword_is_parent(&entry, seen);
    if (!is_parent && !manifest_keyword_complete(&entry, seen))
        return damaged(reader, err, "keywords are missing, or its type does not have them");
    if (!is_parent && !strcmp(reader->path, "/"))
        return refuse(reader, err, "the root itself can't be an entry");
    if (entry.type == MANIFEST_DIR && strlist_add(&reader->dirs, reader->path))
        return error_oom(err, "reading the manifest");
    if (is_parent)
        return 0;
    rc = manifest_add(reader->manifest, &entry, err);
    return rc ? error_wrap(err, rc, "%s, line %zu", reader->name, reader->line) : 0;
}

static int take_text(struct reader *reader, const char *text, size_t size, struct error *err) {
    for (size_t at = 0; at < size;) {
        reader->line++;
        const char *newline = memchr(text + at, '\n', size - at);
        if (!newline)
            return damaged(reader, err, "the line has no end: the file was cut short");
        size_t length = (size_t)(newline - (text + at));
        if (length >= LINE_MAX_SIZE)
            return damaged(reader, err, "the line is too long");
        if (memchr(text + at, '\0', length))
            return damaged(reader, err, "the line holds a NUL byte");
        memcpy(reader->text, text + at, length);
        reader->text[length] = '\0';
        int rc = take_line(reader, err);
        if (rc)
            return rc;
        at += length + 1;
    }
    return 0;
}

int manifest_parse(const char *text, size_t size, const char *name, struct manifest *manifest,
                   struct error *err) {
    const size_t first = strlen(FIRST_LINE);
    AUTO_MANIFEST struct manifest fresh = {0};
    AUTO(release_reader) struct reader reader = {.name = name, .line = 1, .manifest = &fresh};
    if (size < first || memcmp(text, FIRST_LINE, first))
        return damaged(&reader, err, "the first line is not #mtree");
    reader.text = malloc(LINE_MAX_SIZE);
    if (!reader.text)
        return error_oom(err, "reading the manifest");
    int rc = take_text(&reader, text + first, size - first, err);
    if (rc)
        return rc;
    *manifest = fresh;
    fresh = (struct manifest){0};
    return 0;
}

int manifest_read(const struct root *root, struct manifest *manifest, char *sha256,
                  struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    int rc = trusted_file_read(root, STATE_FOLDER_MANIFEST, MANIFEST_SIZE_MAX, &text, err);
    if (rc)
        return rc;
    AUTO_FREE char *shown = root_host_path(root, STATE_FOLDER_MANIFEST);
    if (!shown || (sha256 && digest_bytes(buffer_string(&text), text.size, sha256)))
        return error_oom(err, "reading the manifest");
    return manifest_parse(buffer_string(&text), text.size, shown, manifest, err);
}
