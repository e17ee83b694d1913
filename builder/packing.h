/* From a bundle's modules to what is placed: signed, compressed, read back and proven again. */
#ifndef BUILDER_PACKING_H
#define BUILDER_PACKING_H

#include "builder/bundle.h"
#include "kmod/module/module_facts.h"
#include "kmod/module/signature.h"

struct packed_module {
    char *file_name; /* "nvidia-current-open.ko.xz" */
    struct buffer content;
    struct module_facts facts;
    struct signature_info signature; /* empty when unsigned */
};

struct packed_set {
    struct packed_module *modules; /* in the order of dkms.conf */
    size_t count;
};

/*
 * Signs (when the plan has a key) and compresses each module of the bundle, as many at a time as
 * the plan has jobs, then reads the result back through libkmod and unpacked, and verifies the set
 * against the target: what is returned is what was checked. ERROR_SIGNING, ERROR_DAMAGED.
 */
int packing_run(const struct plan *plan, const struct bundle *bundle, struct packed_set *set,
                struct error *err) MUST_CHECK;

void packed_set_release(struct packed_set *set);
#define AUTO_PACKED_SET AUTO(packed_set_release)

#endif
