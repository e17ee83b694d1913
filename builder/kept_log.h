/* The log of a build that failed outlives its folder, so that the error can name it. */
#ifndef BUILDER_KEPT_LOG_H
#define BUILDER_KEPT_LOG_H

#include "base/error.h"

/*
 * Copies `log` to a new file in /var/tmp and adds its path to the sentence in `err`. Returns `rc`;
 * a log that can't be kept is only not mentioned.
 */
int kept_log_add(const char *log, int rc, struct error *err);

#endif
