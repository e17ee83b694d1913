/* What a module says of itself: .modinfo, build id. */
#ifndef KMOD_MODULE_FACTS_H
#define KMOD_MODULE_FACTS_H

#include "base/strlist.h"
#include "kmod/module/module_file.h"

struct module_facts {
    char *name;    /* .modinfo name=, "nvidia_drm" */
    char *version; /* "" when absent */
    char *srcversion;
    char *vermagic;
    char *licence;
    char *build_id;         /* hex of the GNU build id, "" when absent */
    struct strlist aliases; /* all alias= values, in order */
    struct strlist depends;
};

/* ERROR_DAMAGED when the ELF or its .modinfo can't be read. */
int module_facts_read(const struct module_file *file, struct module_facts *facts,
                      struct error *err) MUST_CHECK;
void module_facts_release(struct module_facts *facts);
#define AUTO_MODULE_FACTS AUTO(module_facts_release)

#endif
