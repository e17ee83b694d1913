#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void set_text(struct error *err, const char *fmt, va_list args) {
    if (vsnprintf(err->text, sizeof err->text, fmt, args) < 0)
        err->text[0] = '\0';
}

int error_set(struct error *err, enum error_kind kind, int errnum, const char *fmt, ...) {
    if (err) {
        va_list args;
        va_start(args, fmt);
        set_text(err, fmt, args);
        va_end(args);
        err->kind = kind;
        err->errnum = errnum;
    }
    return -errnum;
}

/* Long paths lose their end, not the reason. */
static void append_reason(struct error *err, const char *reason) {
    size_t needed = strlen(": ") + strlen(reason) + 1;
    size_t used = strlen(err->text), room = sizeof err->text - needed;
    char *end = err->text + (used < room ? used : room);
    snprintf(end, needed, ": %s", reason);
}

int error_io(struct error *err, int errnum, const char *fmt, ...) {
    if (!err)
        return -errnum;
    va_list args;
    va_start(args, fmt);
    set_text(err, fmt, args);
    va_end(args);
    append_reason(err, strerror(errnum));
    err->kind = errnum == ENOSPC || errnum == EDQUOT ? ERROR_NO_SPACE : ERROR_INTERNAL;
    err->errnum = errnum;
    return -errnum;
}

int error_oom(struct error *err, const char *what) {
    return error_set(err, ERROR_INTERNAL, ENOMEM, "out of memory while %s", what);
}

int error_wrap(struct error *err, int rc, const char *fmt, ...) {
    if (!err)
        return rc;
    char inner[sizeof err->text];
    memcpy(inner, err->text, sizeof inner);
    va_list args;
    va_start(args, fmt);
    set_text(err, fmt, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %.*s", (int)(sizeof inner - used),
             inner);
    return rc;
}

int error_exit_status(const struct error *err, int rc) {
    if (rc == 0)
        return 0;
    return err->kind == ERROR_NONE ? ERROR_INTERNAL : (int)err->kind;
}
