/* What the modules of the fake stack use of each other: the real reference counts come from it. */
#ifndef FAKE_H
#define FAKE_H

#include <linux/module.h>

int fake_nvidia_answer(void);
int fake_modeset_answer(void);

/* Another builder's modules differ in their build ids, but not in name, version or srcversion. */
#ifdef CUSTOMERS_BUILD
#define FAKE_BUILDER "the customer"
#else
#define FAKE_BUILDER "prebake"
#endif

#define FAKE_MODULE                                                                                \
    MODULE_DESCRIPTION("prebake test module");                                                     \
    MODULE_VERSION("@VERSION@");                                                                   \
    MODULE_LICENSE("GPL")

#endif
