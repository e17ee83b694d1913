/* The modules that a dkms.conf names: BUILT_MODULE_*, DEST_MODULE_*, STRIP. */
#ifndef TOOLCHAIN_DKMS_MODULES_H
#define TOOLCHAIN_DKMS_MODULES_H

#include "toolchain/dkms_conf.h"
#include "toolchain/dkms_values.h"

/*
 * Fills conf->modules by dkms' defaults and rules; conf->name is known. ERROR_DAMAGED, with the
 * record's number, for what dkms refuses and for what is no plain path below the build directory.
 */
int dkms_modules_read(const struct dkms_values *values, struct dkms_conf *conf,
                      struct error *err) MUST_CHECK;
void dkms_modules_release(struct dkms_conf *conf);

/* One plain path component: letters, digits and "._+~:-", a letter or digit first, at most 128. */
bool dkms_modules_is_component(const char *name);

#endif
