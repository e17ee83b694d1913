/* `prebake install`. */
#ifndef BUILDER_CMD_INSTALL_H
#define BUILDER_CMD_INSTALL_H

#include "base/command.h"

extern const struct command cmd_install;

#endif
