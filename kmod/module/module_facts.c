#include "kmod/module/module_facts.h"

#include <string.h>

#include "kmod/module/elf_module.h"
#include "kmod/module/modinfo.h"

static int copy_field(const struct modinfo *modinfo, const char *key, char **field) {
    const char *value = modinfo_get(modinfo, key);
    *field = strdup(value ? value : "");
    return *field ? 0 : -ENOMEM;
}

static int copy_aliases(const struct modinfo *modinfo, struct strlist *aliases) {
    for (const char *alias = modinfo_get(modinfo, "alias"); alias;
         alias = modinfo_next_value(modinfo, "alias", alias))
        if (strlist_add(aliases, alias) < 0)
            return -ENOMEM;
    return 0;
}

/* "depends=a,b", or "depends=" for none */
static int split_depends(const struct modinfo *modinfo, struct strlist *depends) {
    const char *value = modinfo_get(modinfo, "depends");
    for (const char *name = value ? value : ""; *name;) {
        size_t length = strcspn(name, ",");
        if (length > 0 && strlist_addf(depends, "%.*s", (int)length, name) < 0)
            return -ENOMEM;
        name += length + (name[length] == ',');
    }
    return 0;
}

static int copy_modinfo(const struct modinfo *modinfo, struct module_facts *facts) {
    const struct {
        const char *key;
        char **field;
    } fields[] = {
        {"name", &facts->name},
        {"version", &facts->version},
        {"srcversion", &facts->srcversion},
        {"vermagic", &facts->vermagic},
        {"license", &facts->licence},
    };
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (copy_field(modinfo, fields[i].key, fields[i].field) < 0)
            return -ENOMEM;
    int rc = copy_aliases(modinfo, &facts->aliases);
    return rc < 0 ? rc : split_depends(modinfo, &facts->depends);
}

int module_facts_read(const struct module_file *file, struct module_facts *facts,
                      struct error *err) {
    *facts = (struct module_facts){.name = NULL};
    AUTO_ELF_MODULE struct elf_module elf = ELF_MODULE_INIT;
    struct modinfo modinfo;
    int rc = elf_module_open(file, &elf, err);
    if (rc == 0)
        rc = modinfo_read(&elf, &modinfo, err);
    if (rc == 0)
        rc = elf_module_build_id(&elf, &facts->build_id, err);
    if (rc == 0 && copy_modinfo(&modinfo, facts) < 0)
        rc = error_oom(err, "reading a module's .modinfo");
    if (rc < 0)
        module_facts_release(facts);
    return rc;
}

void module_facts_release(struct module_facts *facts) {
    free(facts->name);
    free(facts->version);
    free(facts->srcversion);
    free(facts->vermagic);
    free(facts->licence);
    free(facts->build_id);
    strlist_release(&facts->aliases);
    strlist_release(&facts->depends);
    *facts = (struct module_facts){.name = NULL};
}
