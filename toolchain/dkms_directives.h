/* Which directives of dkms.conf there are, and what prebake makes of each. */
#ifndef TOOLCHAIN_DKMS_DIRECTIVES_H
#define TOOLCHAIN_DKMS_DIRECTIVES_H

#include "base/strlist.h"
#include "toolchain/dkms_values.h"

/*
 * Adds a warning for those that are read and have no effect (one sentence for all), one for names
 * that dkms does not know, and one for what the file printed. 0 or −ENOMEM.
 */
int dkms_directives_warn(const struct dkms_values *values, struct strlist *warnings) MUST_CHECK;

/* Adds "POST_INSTALL=x.sh" for each install-time script the source names. 0 or −ENOMEM. */
int dkms_directives_scripts(const struct dkms_values *values, struct strlist *scripts) MUST_CHECK;

#endif
