/* Whether what a userspace brought can start in the root. */
#ifndef BUILDER_USERSPACE_LIBRARIES_H
#define BUILDER_USERSPACE_LIBRARIES_H

#include "kmod/lifecycle/placing.h"

/*
 * Resolves, for every program and shared library that was copied from a userspace and stands in its
 * place, each library and symbol version it needs (shared_libraries.h), those that came with it
 * included. What is for another processor, in a firmware folder, is passed over.
 * ERROR_DEPENDENCY names who needs what. ERROR_DAMAGED: an ELF file that can't be read.
 */
int userspace_libraries_check(const struct root *root, const struct placing *placing,
                              struct error *err) MUST_CHECK;

#endif
