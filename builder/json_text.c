#include "builder/json_text.h"

#include "kmod/module/printable.h"

json_t *json_text(const char *text) {
    if (!text)
        return json_null();
    AUTO_FREE char *printable = printable_copy(text);
    return printable ? json_string(printable) : NULL;
}

int json_text_print(const json_t *document, struct error *err) {
    if (json_dumpf(document, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF)
        return error_io(err, EIO, "can't write to standard output");
    return 0;
}
