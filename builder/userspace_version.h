/* One driver version in a userspace: that of the modules it is baked with (incident S3). */
#ifndef BUILDER_USERSPACE_VERSION_H
#define BUILDER_USERSPACE_VERSION_H

#include "builder/userspace.h"

/*
 * Looks for what says of itself that it is of another driver version than `version`: the name of a
 * library ("libnvidia-ml.so.535.261.03"), a firmware folder ("firmware/nvidia/535.261.03"), the
 * text in an NVIDIA program or library whose name does not tell. nvidia-modprobe is released on its
 * own: of it only the first number counts. ERROR_REFUSED names the file and both versions.
 */
int userspace_version_check(const struct userspace *userspace, const char *version,
                            struct error *err) MUST_CHECK;

#endif
