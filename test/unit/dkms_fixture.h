/* DKMS trees as dkms leaves them, made without it. Every function ends the program when it can't do
 * its work. The name is always "mod", the machine x86_64. */
#ifndef TEST_DKMS_FIXTURE_H
#define TEST_DKMS_FIXTURE_H

#include "base/root.h"
#include "kmod/system/dkms_builds.h"

#define FIXTURE_NAME "mod"
#define FIXTURE_MACHINE "x86_64"
#define FIXTURE_TREE DKMS_TREE "/" FIXTURE_NAME

/* dkms add: the source and the link to it. */
void dkms_fixture_add(const struct root *root, const char *version);

/* dkms build: one module's file in V/K/M/module, and the log. */
void dkms_fixture_build(const struct root *root, const char *version, const char *kernel,
                        const char *file, const char *content);

/* A file below /lib/modules/K. */
void dkms_fixture_place(const struct root *root, const char *kernel, const char *path,
                        const char *content);

/* The last step of dkms install: kernel-K-M. */
void dkms_fixture_activate(const struct root *root, const char *version, const char *kernel);

/* A file of original_module/K/M. */
void dkms_fixture_store(const struct root *root, const char *kernel, const char *path,
                        const char *content);

/* All paths of the root with what they hold, one a line; the caller frees. */
char *dkms_fixture_snapshot(const struct root *root);

/* The file's content is `expected`; NULL: there is nothing of that name. Else says what it is. */
bool dkms_fixture_holds(const struct root *root, const char *path, const char *expected);

/* The one build of version 1.0 for the kernel. */
const struct dkms_build *dkms_fixture_read(const struct root *root, const char *kernel,
                                           struct dkms_builds *builds);

#endif
