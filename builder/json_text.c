#include "builder/json_text.h"

#include "kmod/lifecycle/node_json.h"

json_t *json_text(const char *text) {
    return text ? node_json_text(text) : json_null();
}

json_t *json_text_list(const struct strlist *list) {
    AUTO_JSON json_t *array = json_array();
    for (size_t i = 0; i < list->count; i++)
        if (json_array_append_new(array, json_text(list->items[i])))
            return NULL;
    return STEAL(array);
}

int json_text_print(const json_t *document, struct error *err) {
    if (json_dumpf(document, stdout, JSON_INDENT(2)) != 0 || putchar('\n') == EOF)
        return error_io(err, EIO, "can't write to standard output");
    return 0;
}
