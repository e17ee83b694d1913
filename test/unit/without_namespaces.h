/* A second run of a test program as an unprivileged container has it: root without CAP_SYS_ADMIN.
 */
#ifndef TEST_UNIT_WITHOUT_NAMESPACES_H
#define TEST_UNIT_WITHOUT_NAMESPACES_H

#include <stdbool.h>

#define WITHOUT_NAMESPACES "--without-namespaces"

/* Takes the capability from this process for good. Ends the program when it can't. */
void without_namespaces_enter(void);

/*
 * Runs this program again with WITHOUT_NAMESPACES and `argument` (or NULL) as its arguments; true
 * when it exits with 0. What it printed is shown otherwise.
 */
bool without_namespaces_run(const char *argument);

#endif
