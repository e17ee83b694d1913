#include "kmod/system/version_proof.h"

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

#define WINDOW_SIZE (64 * 1024)
#define VERSION_SIZE_MAX 64
#define BEFORE 2 /* bytes that decide whether a match is the end of a longer number */
#define AFTER 2  /* the same for its beginning */

static bool is_digit(unsigned char byte) {
    return byte >= '0' && byte <= '9';
}

bool version_proof_usable(const char *version) {
    size_t parts = 0, digits;
    if (strlen(version) > VERSION_SIZE_MAX)
        return false;
    for (;; version += digits + 1, parts++) {
        digits = strspn(version, "0123456789");
        if (digits == 0 || (parts == 0 && digits < 3))
            return false;
        if (version[digits] != '.')
            return version[digits] == '\0' && parts > 0;
    }
}

bool version_proof_in_name(const char *name, const char *version) {
    size_t length = strlen(name), tail = strlen(version);
    return length > tail + 1 && name[length - tail - 1] == '.' &&
           !strcmp(name + length - tail, version);
}

/* What is looked for: a text, or (NULL) the first of the shape of a version, which is copied. */
struct wanted {
    const char *text;
    size_t length; /* the longest that it can be */
    char *found;
};

/* Part of the file; `size` bytes, of which the first `skip` only serve as what stands before. */
struct window {
    const uint8_t *data;
    size_t size;
    size_t skip;
    bool last; /* nothing comes after it */
};

static bool stands_alone(const struct window *window, size_t at, size_t length) {
    const uint8_t *data = window->data;
    size_t end = at + length, rest = window->size - end;
    if (at > 0 && is_digit(data[at - 1]))
        return false;
    if (at > 1 && data[at - 1] == '.' && is_digit(data[at - 2]))
        return false;
    if (rest > 0 && is_digit(data[end]))
        return false;
    return rest < 2 || data[end] != '.' || !is_digit(data[end + 1]);
}

/* A match so near the end that what follows is not known is left to the next window. */
static bool is_match(const struct window *window, size_t at, size_t length) {
    bool decided = window->last || window->size - at >= length + AFTER;
    return decided && stands_alone(window, at, length);
}

static bool window_has(const struct window *window, const struct wanted *wanted) {
    size_t at = window->skip;
    const uint8_t *match;
    while ((match = memmem(window->data + at, window->size - at, wanted->text, wanted->length))) {
        at = (size_t)(match - window->data);
        if (is_match(window, at, wanted->length))
            return true;
        at++;
    }
    return false;
}

/* How long the text at `data` is that has the shape of a driver version; 0 when it has not. */
static size_t shape_length(const uint8_t *data, size_t size) {
    static const char *const shapes[] = {"999.999.99", "999.99.99"};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        size_t length = strlen(shapes[i]), same = 0;
        while (same < length && same < size &&
               (shapes[i][same] == '.' ? data[same] == '.' : is_digit(data[same])))
            same++;
        if (same == length)
            return length;
    }
    return 0;
}

static bool window_finds(const struct window *window, char *found) {
    for (size_t at = window->skip; at < window->size; at++) {
        size_t length = shape_length(window->data + at, window->size - at);
        if (!length || !is_match(window, at, length))
            continue;
        memcpy(found, window->data + at, length);
        found[length] = '\0';
        return true;
    }
    return false;
}

/*
 *     |<------------ window ------------>|
 *     | before | … decided matches … |   |            each window begins so far before the end of
 *                         | before | …  the next …    the last one that no match is lost
 */
static int search(int fd, const char *name, const struct wanted *wanted, bool *found,
                  struct error *err) {
    static _Thread_local uint8_t data[WINDOW_SIZE];
    size_t overlap = BEFORE + wanted->length + AFTER;
    for (off_t offset = 0; offset < VERSION_PROOF_SIZE_MAX;) {
        ssize_t size = file_read_at(fd, data, sizeof data, offset);
        if (size < 0)
            return error_io(err, (int)-size, "can't read %s", name);
        struct window window = {
            .data = data,
            .size = (size_t)size,
            .skip = offset > 0 ? BEFORE : 0,
            .last = (size_t)size < sizeof data,
        };
        *found = window.size > window.skip && (wanted->text ? window_has(&window, wanted)
                                                            : window_finds(&window, wanted->found));
        if (*found || window.last)
            return 0;
        offset += (off_t)(sizeof data - overlap);
    }
    return 0;
}

/* A file that is too large proves nothing. */
static int search_bounded(int fd, const char *name, const struct wanted *wanted, bool *found,
                          struct error *err) {
    struct stat st;
    if (fstat(fd, &st))
        return error_io(err, errno, "can't look at %s", name);
    return st.st_size > VERSION_PROOF_SIZE_MAX ? 0 : search(fd, name, wanted, found, err);
}

int version_proof_in_file(int fd, const char *name, const char *version, bool *found,
                          struct error *err) {
    const struct wanted wanted = {.text = version, .length = strlen(version)};
    *found = false;
    return version_proof_usable(version) ? search_bounded(fd, name, &wanted, found, err) : 0;
}

int version_proof_find(int fd, const char *name, char found[static VERSION_PROOF_TEXT_SIZE],
                       struct error *err) {
    const struct wanted wanted = {.length = VERSION_PROOF_TEXT_SIZE, .found = found};
    bool any = false;
    *found = '\0';
    return search_bounded(fd, name, &wanted, &any, err);
}
