#include "toolchain/dkms_values.h"

#include <stdbool.h>
#include <string.h>

#define VALUES_MAX 4096

/* The next string of the text, up to and with its NUL; NULL at the end or without one. */
static const char *next_string(char **at, const char *end) {
    const char *string = *at;
    char *nul = *at < end ? memchr(*at, '\0', (size_t)(end - *at)) : NULL;
    if (!nul)
        return NULL;
    *at = nul + 1;
    return string;
}

static bool is_directive_name(const char *name) {
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return name[0] >= 'A' && name[0] <= 'Z' && length <= 64 && name[length] == '\0';
}

static bool is_plain_text(const char *text) {
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\t' && *text != '\n') || *text == 0x7f)
            return false;
    return true;
}

/* −1 for anything but one to three digits within the bound. */
static int parse_index(const char *text) {
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 3 || text[length] != '\0')
        return -1;
    int index = atoi(text);
    return index <= DKMS_VALUES_INDEX_MAX ? index : -1;
}

static int refuse(struct error *err, const char *name, const char *why) {
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s can't be read: %s", name, why);
}

static int add_value(struct dkms_values *values, const char *name, const char *index,
                     const char *value, const char *source, struct error *err) {
    int number = index ? parse_index(index) : -1;
    if (!value || !is_directive_name(name) || number < 0 || !is_plain_text(value))
        return refuse(err, source, "it sets something that is no name, index and text");
    if (values->count == VALUES_MAX)
        return refuse(err, source, "it sets too many values");
    values->items[values->count++] =
        (struct dkms_value){.name = name, .index = (unsigned)number, .value = value};
    return 0;
}

/* Messages are shown to a person: no control character may reach the terminal. */
static void make_printable(char *text) {
    for (; *text; text++)
        if (((unsigned char)*text < ' ' && *text != '\n') || *text == 0x7f)
            *text = '?';
}

static int parse(struct dkms_values *values, char *end, const char *source, struct error *err) {
    char *at = values->text;
    values->messages = next_string(&at, end);
    if (!values->messages)
        return refuse(err, source, "it ends the shell that reads it");
    make_printable(values->text);
    for (;;) {
        const char *name = next_string(&at, end);
        if (!name)
            return refuse(err, source, "it ends the shell that reads it, or sets too much");
        if (!*name)
            break;
        const char *index = next_string(&at, end);
        int rc = add_value(values, name, index, next_string(&at, end), source, err);
        if (rc)
            return rc;
    }
    return at == end ? 0 : refuse(err, source, "it prints after its end");
}

int dkms_values_parse(const struct buffer *output, const char *name, struct dkms_values *values,
                      struct error *err) {
    *values = (struct dkms_values){0};
    values->text = malloc(output->size + 1);
    values->items = calloc(VALUES_MAX, sizeof *values->items);
    if (!values->text || !values->items) {
        dkms_values_release(values);
        return error_oom(err, "reading dkms.conf");
    }
    memcpy(values->text, buffer_string(output), output->size + 1);
    int rc = parse(values, values->text + output->size, name, err);
    if (rc)
        dkms_values_release(values);
    return rc;
}

const char *dkms_values_get(const struct dkms_values *values, const char *name, unsigned index) {
    for (size_t i = 0; i < values->count; i++)
        if (values->items[i].index == index && !strcmp(values->items[i].name, name))
            return values->items[i].value;
    return "";
}

unsigned dkms_values_count(const struct dkms_values *values, const char *name) {
    unsigned count = 0;
    for (size_t i = 0; i < values->count; i++)
        count += !strcmp(values->items[i].name, name);
    return count;
}

void dkms_values_release(struct dkms_values *values) {
    free(values->text);
    free(values->items);
    *values = (struct dkms_values){0};
}
