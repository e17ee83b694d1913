#include "kmod/lifecycle/state_word.h"

#include <string.h>

#include "base/file.h"
#include "kmod/lifecycle/state_folder.h"
#include "kmod/lifecycle/trusted_file.h"

#define WORD_SIZE_MAX 64

static const char *const names[] = {
    [STATE_NONE] = "none",       [STATE_ACTIVE] = "active",
    [STATE_PARKED] = "parked",   [STATE_ACTIVATING] = "activating",
    [STATE_PARKING] = "parking", [STATE_TEARING_DOWN] = "tearing-down",
};

const char *state_word_name(enum state_word word) {
    return names[word];
}

/* The file is the word and a newline, nothing else. */
static bool is_word(const struct buffer *text, const char *name) {
    size_t size = strlen(name);
    return text->size == size + 1 && !memcmp(text->data, name, size) && text->data[size] == '\n';
}

int state_word_read(const struct root *root, enum state_word *word, struct error *err) {
    AUTO_BUFFER struct buffer text = {0};
    int rc = trusted_file_read(root, STATE_FOLDER_WORD, WORD_SIZE_MAX, &text, err);
    if (rc && rc != -ENOENT)
        return rc;
    *word = STATE_NONE;
    if (rc == -ENOENT)
        return 0;
    for (size_t i = STATE_ACTIVE; i < ARRAY_SIZE(names); i++)
        if (is_word(&text, names[i]))
            *word = (enum state_word)i;
    if (*word == STATE_NONE)
        return error_set(err, ERROR_DAMAGED, EBADMSG,
                         "%s%s does not hold one of the known states; nothing was touched",
                         root->path, STATE_FOLDER_WORD);
    return 0;
}

int state_word_write(const struct root *root, enum state_word word, struct error *err) {
    if (word == STATE_NONE)
        return file_remove(root, STATE_FOLDER_WORD, err);
    AUTO_BUFFER struct buffer text = {0};
    if (buffer_printf(&text, "%s\n", names[word]))
        return error_oom(err, "writing the state");
    const struct file_meta meta = FILE_META_DURABLE;
    return file_publish(root, STATE_FOLDER_WORD, text.data, text.size, &meta, err);
}
