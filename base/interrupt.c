#include "base/interrupt.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>

static volatile sig_atomic_t remembered;
static bool held;

static void remember(int signal_number) {
    remembered = signal_number;
}

void interrupt_install(void) {
    /* No SA_RESTART: a wait is cut short, so that a long compile ends at once. */
    struct sigaction action = {.sa_handler = remember};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

int interrupt_hold(struct error *err) {
    int rc = interrupt_check(err);
    held = rc == 0;
    return rc;
}

void interrupt_let(void) {
    held = false;
}

int interrupt_pending(void) {
    return held ? 0 : remembered;
}

int interrupt_check(struct error *err) {
    int pending = interrupt_pending();
    if (!pending)
        return 0;
    return error_set(err, ERROR_INTERNAL, EINTR,
                     "stopped by signal %d (%s) between two steps; run the command again", pending,
                     strsignal(pending));
}
