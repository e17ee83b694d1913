/* Were a module's imports and exports compiled against what is there now? */
#ifndef KMOD_MODULE_VERSION_CHECK_H
#define KMOD_MODULE_VERSION_CHECK_H

#include "kmod/module/candidate.h"

/*
 * On a target with modversions: the module has symbol versions, "module_layout" among them; every
 * CRC is that of who exports the symbol now (one that nobody exports is compared with by nobody);
 * where it has both formats they agree; its own exports have CRCs. 0 or −ENOMEM.
 */
int version_check_run(const struct candidate_set *set, struct candidate *candidate) MUST_CHECK;

#endif
