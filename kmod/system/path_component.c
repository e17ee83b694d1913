#include "kmod/system/path_component.h"

#include <string.h>

#define COMPONENT_MAX 200 /* leaves room for a suffix within NAME_MAX */

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

int path_component_check(const char *text, const char *what, struct error *err) {
    if (!*text)
        return error_set(err, ERROR_REFUSED, EINVAL, "the %s is empty", what);
    size_t length = strnlen(text, COMPONENT_MAX + 1);
    if (length > COMPONENT_MAX)
        return error_set(err, ERROR_REFUSED, EINVAL, "the %s is longer than %d characters", what,
                         COMPONENT_MAX);
    if (!strchr(LETTERS_AND_DIGITS "_", text[0]) ||
        strspn(text, LETTERS_AND_DIGITS "._+:~=@-") != length)
        return error_set(err, ERROR_REFUSED, EINVAL,
                         "the %s \"%s\" is not a plain name (letters, digits and ._+:~=@- after a "
                         "letter, a digit or _)",
                         what, text);
    return 0;
}
