/* Putting prebake-node into the image: a bake without its teardown must not be reachable. */
#ifndef BUILDER_NODE_PROGRAM_H
#define BUILDER_NODE_PROGRAM_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/root.h"
#include "kmod/lifecycle/node_place.h"

struct node_program {
    struct buffer content;
    bool in_place;  /* the root has this very program already */
    bool existed;   /* the root has one, perhaps of another version */
    bool published; /* node_program_install() began to put it there */
};

/*
 * Finds prebake-node beside the running program (or in /usr/sbin) and checks that it can start in
 * the root. ERROR_DEPENDENCY: it is not there, or a library or symbol version is missing.
 * ERROR_REFUSED: its place can't be reached safely, or another one stands there that a package
 * owns.
 */
int node_program_find(const struct root *root, struct node_program *program,
                      struct error *err) MUST_CHECK;

/*
 * Publishes it, 0755, unless the root has this very program, and removes what a killed bake was
 * publishing there. The caller holds the lock. ERROR_REFUSED: another one is there that a package
 * owns: only that package's manager replaces it.
 */
int node_program_install(const struct root *root, struct node_program *program,
                         struct error *err) MUST_CHECK;

/* Takes a program back that node_program_install() put where there was none. */
int node_program_take_back(const struct root *root, const struct node_program *program,
                           struct error *err) MUST_CHECK;

void node_program_release(struct node_program *program);
#define AUTO_NODE_PROGRAM AUTO(node_program_release)

#endif
