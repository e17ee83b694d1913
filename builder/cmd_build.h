/* `prebake build`. */
#ifndef BUILDER_CMD_BUILD_H
#define BUILDER_CMD_BUILD_H

#include "base/command.h"

extern const struct command cmd_build;

#endif
