#include "kmod/system/modprobe_blacklist.h"

#include <string.h>

#include "kmod/system/module_config.h"

struct search {
    const char *module;
    bool found;
};

static char canonical(char letter) {
    return letter == '-' ? '_' : letter;
}

static bool is_module(const char *name, const char *module) {
    while (*name && canonical(*name) == canonical(*module))
        name++, module++;
    return !*name && !*module;
}

/* The first one ends the walk. */
static int visit(void *context, const struct module_config_entry *entry, struct error *err) {
    struct search *search = context;
    (void)err;
    search->found = (!strcmp(entry->word, "blacklist") || !strcmp(entry->word, "install")) &&
                    is_module(entry->name, search->module);
    return search->found;
}

int modprobe_blacklist_has(const struct root *root, const char *module, bool *found,
                           struct error *err) {
    struct search search = {.module = module};
    int rc = module_config_walk(root, visit, &search, err);
    *found = search.found;
    return rc < 0 ? rc : 0;
}
