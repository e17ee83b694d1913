#include "kmod/lifecycle/node_json.h"

#include <stdio.h>

#include "kmod/module/printable.h"

json_t *node_json_text(const char *text) {
    AUTO_FREE char *printable = printable_copy(text);
    return printable ? json_string(printable) : NULL;
}

int node_json_print(json_t *document, struct error *err) {
    AUTO_FREE char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
    json_decref(document);
    if (!text)
        return error_oom(err, "printing the result");
    puts(text);
    return 0;
}
