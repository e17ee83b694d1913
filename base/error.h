/*
 * Errors: a −errno for the code, a kind for the exit status, one sentence for the person.
 *
 * Every function that can fail returns 0 or −errno and fills the struct error it was given.
 * The sentence names the file, kernel or option it is about and what to do; each level on the
 * way up may put its own context in front with error_wrap(). Nothing here prints.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/cleanup.h"

/* The value of each kind is the exit status of both programs. */
enum error_kind {
    ERROR_NONE = 0,
    ERROR_INTERNAL = 1,    /* internal or I/O error */
    ERROR_USAGE = 2,       /* the command line is wrong or ambiguous */
    ERROR_INCOMPLETE = 3,  /* something of ours is left: run again */
    ERROR_REFUSED = 4,     /* not ours, or not safe to touch */
    ERROR_MISMATCH = 5,    /* the bake does not match: do a full install */
    ERROR_BUSY = 6,        /* a module of ours is in use */
    ERROR_DAMAGED = 7,     /* damaged, or not loadable on the target */
    ERROR_LOCKED = 8,      /* the lock was not free in time */
    ERROR_NO_SPACE = 9,    /* the file system is full */
    ERROR_SIGNING = 10,    /* signing policy not met */
    ERROR_BUILD = 11,      /* the compile failed */
    ERROR_DEPENDENCY = 13, /* something the build needs is missing */
    ERROR_NO_HEADERS = 21, /* no headers for that kernel */
    ERROR_EXCLUDED = 77,   /* the source's dkms.conf excludes this kernel */
};

struct error {
    enum error_kind kind;
    int errnum; /* positive errno */
    char text[1024];
};

/* Records an error. `errnum` is a positive errno; returns −errnum. `err` may be NULL. */
int error_set(struct error *err, enum error_kind kind, int errnum, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/*
 * Records a failed system call: the sentence is followed by ": " and what the errno means.
 * The kind is ERROR_NO_SPACE for ENOSPC and EDQUOT, else ERROR_INTERNAL. Returns −errnum.
 */
int error_io(struct error *err, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Out of memory while doing `what`. Returns −ENOMEM. */
int error_oom(struct error *err, const char *what);

/* Puts "<context>: " in front of the sentence already in `err`. Returns `rc` unchanged. */
int error_wrap(struct error *err, int rc, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The exit status for `err` after a function returned `rc`: 0 when rc is 0, never 0 otherwise. */
int error_exit_status(const struct error *err, int rc);

#endif
