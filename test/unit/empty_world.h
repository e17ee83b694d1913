/* A world without programs, to see what is missed in it. */
#ifndef TEST_UNIT_EMPTY_WORLD_H
#define TEST_UNIT_EMPTY_WORLD_H

#include "base/error.h"

/*
 * Calls `look` in a child whose root directory holds nothing but /tmp and this /etc/os-release, and
 * hands back what it returned. Ends the program when the child can't be had.
 */
int in_empty_world(int (*look)(struct error *err), const char *os_release, struct error *err);

#endif
