/* Reading a packed module back the way modprobe does, before it counts. */
#ifndef BUILDER_READ_BACK_H
#define BUILDER_READ_BACK_H

#include "base/buffer.h"
#include "base/error.h"

/*
 * Checks that `packed` unpacks to `plain`, and that libkmod reads it and finds the module's name
 * (formats that this machine's libkmod was built without are only unpacked). ERROR_DAMAGED.
 */
int read_back_check(const char *file_name, const struct buffer *packed, const struct buffer *plain,
                    const char *module_name, struct error *err) MUST_CHECK;

int read_back_write(const char *path, const struct buffer *content, struct error *err) MUST_CHECK;

#endif
