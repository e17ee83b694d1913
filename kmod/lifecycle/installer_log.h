/*
 * The log that NVIDIA's installer keeps of what it put where (nvidia-installer, backup.c), mode
 * 0600:
 *
 *     1.0-58012609 (580.126.09)              the driver's version, digits alone and as it is
 *     NVIDIA Accelerated Graphics Driver …   a description
 *     1: /usr/bin/nvidia-smi                 a file it installed
 *     2309823391                             and its CRC (CRC-32/MPEG-2)
 *     0: /usr/lib/x86_64-linux-gnu/libcuda.so    a link it made
 *     libcuda.so.1                           and its target
 *     2: …  100: …                           what was there before: two more lines each or one
 *
 * It proves what carries no version itself: shell scripts, libraries with a version of their own.
 */
#ifndef KMOD_INSTALLER_LOG_H
#define KMOD_INSTALLER_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/root.h"

#define INSTALLER_LOG "/var/lib/nvidia/log"
#define INSTALLER_LOG_SIZE_MAX ((size_t)16 << 20)

struct installer_log_file {
    char *path;
    uint32_t crc;
};

struct installer_log {
    struct installer_log_file *files; /* what it installed, by path; links are not kept */
    size_t count;
};

/*
 * Reads the log when it is one of `version`; empty when there is none, when it is of another
 * version, when its lines can't be understood or when others than root could have written it
 * (trusted_file.h): then it proves nothing. Errors are I/O errors and −ENOMEM. The caller releases.
 */
int installer_log_read(const struct root *root, const char *version, struct installer_log *log,
                       struct error *err) MUST_CHECK;

/* Whether `fd` has the content that the log says was installed as `path`. `name` is for the
 * sentence. */
int installer_log_proves(const struct installer_log *log, const char *path, int fd,
                         const char *name, bool *proved, struct error *err) MUST_CHECK;

void installer_log_release(struct installer_log *log);
#define AUTO_INSTALLER_LOG AUTO(installer_log_release)

#endif
