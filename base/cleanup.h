/*
 * Scope-bound ownership: a variable marked with one of these is released when it goes out of
 * scope, so every early return is safe. STEAL hands the value to the caller instead.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

static inline void cleanup_free(void *place) {
    free(*(void **)place);
}

/* Closing must not disturb the errno that the function is about to report. */
static inline void cleanup_close(const int *fd) {
    if (*fd >= 0) {
        int saved = errno;
        close(*fd);
        errno = saved;
    }
}

static inline void cleanup_closedir(DIR **dir) {
    if (*dir) {
        int saved = errno;
        closedir(*dir);
        errno = saved;
    }
}

static inline void cleanup_fclose(FILE **file) {
    if (*file) {
        int saved = errno;
        fclose(*file);
        errno = saved;
    }
}

#define AUTO_FREE __attribute__((cleanup(cleanup_free)))
#define AUTO_CLOSE __attribute__((cleanup(cleanup_close)))
#define AUTO_CLOSEDIR __attribute__((cleanup(cleanup_closedir)))
#define AUTO_FCLOSE __attribute__((cleanup(cleanup_fclose)))
#define AUTO(release) __attribute__((cleanup(release)))

#define STEAL(pointer)                                                                             \
    __extension__({                                                                                \
        __typeof__(pointer) stolen = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        stolen;                                                                                    \
    })

#define STEAL_FD(fd)                                                                               \
    __extension__({                                                                                \
        int stolen_fd = (fd);                                                                      \
        (fd) = -1;                                                                                 \
        stolen_fd;                                                                                 \
    })

#endif
