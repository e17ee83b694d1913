/* The directories of a bake that is being activated. Entry `i` of the removal's manifest is one. */
#ifndef KMOD_PLACED_DIR_H
#define KMOD_PLACED_DIR_H

#include "kmod/lifecycle/relocation.h"
#include "kmod/lifecycle/removal.h"

/*
 * Makes it where it is missing, with owner, attributes and mode of the manifest and the facts. One
 * that somebody has put something into meanwhile stays as he has it; one that is as a killed run
 * left it gets what is missing. I/O errors.
 */
int placed_dir_make(const struct removal *removal, size_t i, struct relocation_folders *folders,
                    struct error *err) MUST_CHECK;

/* Gives it, as it came from the store, its owner, attributes and mode. I/O errors. */
int placed_dir_dress(const struct removal *removal, size_t i, struct relocation_folders *folders,
                     struct error *err) MUST_CHECK;

#endif
