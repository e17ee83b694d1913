#include "kmod/lifecycle/node_json.h"

#include <stdio.h>

int node_json_print(json_t *document, struct error *err) {
    AUTO_FREE char *text = document ? json_dumps(document, JSON_INDENT(2)) : NULL;
    json_decref(document);
    if (!text)
        return error_oom(err, "printing the result");
    puts(text);
    return 0;
}
