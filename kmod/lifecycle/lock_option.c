#include "kmod/lifecycle/lock_option.h"

#include <stdlib.h>

#include "kmod/lifecycle/lock.h"

#define LOCK_WAIT_MAX 3600

int lock_option_read(const struct command_call *call, unsigned *seconds, struct error *err) {
    const char *text = command_value(call, "lock-wait");
    *seconds = LOCK_WAIT_DEFAULT;
    if (!text)
        return 0;
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*end || text[0] < '0' || text[0] > '9' || value > LOCK_WAIT_MAX)
        return error_set(err, ERROR_USAGE, EINVAL,
                         "--lock-wait takes seconds from 0 to %d, not '%s'", LOCK_WAIT_MAX, text);
    *seconds = (unsigned)value;
    return 0;
}
