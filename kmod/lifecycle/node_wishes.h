/* What a node wants of its bake and what it is, as the command line and the running system say. */
#ifndef KMOD_NODE_WISHES_H
#define KMOD_NODE_WISHES_H

#include <stdbool.h>
#include <sys/utsname.h>

#include "base/command.h"

/* Strings belong to the command call and to its struct utsname. */
struct node_wishes {
    bool gpu_node;
    bool skip_driver;
    const char *driver_type;    /* "cuda-lts"; NULL or unknown: no bake matches */
    const char *driver_version; /* NULL or "": no bake matches */
    const char *kernel;         /* that runs, or will; NULL: no bake matches */
    const char *arch;
    const char *sysfs;         /* where the node's devices are listed; NULL: none can be seen */
    const char *legacy_marker; /* another tool's marker, inside the root; NULL: none */
};

/* A GPU node that is to have a driver. */
bool node_wishes_managed(const struct node_wishes *wishes);

/*
 * Reads the options of `reconcile`. ERROR_USAGE: --gpu-node or --skip-driver is missing; for a
 * managed GPU the driver's type or version, and --kernel where it can't be asked for: another root
 * than "/". `system` is filled and must outlive `wishes`.
 */
int node_wishes_read(const struct command_call *call, struct utsname *system,
                     struct node_wishes *wishes, struct error *err) MUST_CHECK;

#endif
