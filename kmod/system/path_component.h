/* Names from outside (kernel releases, DKMS names and versions) before they become part of a path.
 */
#ifndef KMOD_PATH_COMPONENT_H
#define KMOD_PATH_COMPONENT_H

#include "base/error.h"

/*
 * 0 when `text` can stand as one path component and as an argument of a program: 1 to 200 of
 * [A-Za-z0-9._+:~=@-], the first a letter, a digit or '_'. So "..", hidden names, options and glob
 * characters never pass. Else −EINVAL, ERROR_REFUSED; `what` names it in the sentence ("kernel
 * release").
 */
int path_component_check(const char *text, const char *what, struct error *err) MUST_CHECK;

#endif
