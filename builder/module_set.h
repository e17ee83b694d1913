/* The modules that operands name: files, directories and packages searched for modules. */
#ifndef BUILDER_MODULE_SET_H
#define BUILDER_MODULE_SET_H

#include "base/error.h"
#include "base/strlist.h"
#include "kmod/module/module_file.h"

#define MODULE_SET_MAX (4UL << 30) /* bytes unpacked; a whole distribution kernel has 0.4 GiB */

struct module_set {
    struct module_file *files;
    size_t count;
    size_t capacity;
    size_t size; /* bytes of all contents */
    /* Files that are no module: unreadable.items[i] for the reason reasons.items[i]. */
    struct strlist unreadable;
    struct strlist reasons;
};

/*
 * Reads one operand into the set. Of a directory and all below it, and of a .deb (nothing is
 * unpacked on disk), regular files named *.ko, *.ko.gz, *.ko.xz or *.ko.zst. A damaged file is
 * listed as unreadable and is no error. ERROR_USAGE: nothing there, or a directory or package
 * without modules. ERROR_REFUSED: more than MODULE_SET_MAX. ERROR_DAMAGED: a package that does not
 * unpack, or a bundle whose modules are not those of its record.
 */
int module_set_add(struct module_set *set, const char *operand, struct error *err) MUST_CHECK;

void module_set_release(struct module_set *set);
#define AUTO_MODULE_SET AUTO(module_set_release)

#endif
