#include "base/filter.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/interrupt.h"
#include "base/process.h"

#define TICK_MS 100
#define WORDS_MAX 300 /* of the program's, for the sentence */

struct filter {
    const char *program;
    pid_t pid;                 /* 0 when it has been waited for */
    int input, output, errors; /* our ends; −1 when closed */
    filter_source source;
    void *context;
    size_t begin, end; /* what is in `block` and not written yet */
    bool refused;      /* it closed its input before all was written */
    struct buffer words;
    uint8_t block[64 << 10];
};

static void close_end(int *fd) {
    if (*fd >= 0)
        close(STEAL_FD(*fd));
}

/* The program's ends are closed again at once, so that its end is seen as the end of its output. */
static int start(struct filter *filter, const char *const *argv, struct error *err) {
    int input[2] = {-1, -1}, output[2] = {-1, -1}, errors[2] = {-1, -1};
    int failed =
        pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC) || pipe2(errors, O_CLOEXEC) ? errno : 0;
    filter->input = input[1];
    filter->output = output[0];
    filter->errors = errors[0];
    AUTO_CLOSE int child_input = input[0], child_output = output[1], child_errors = errors[1];
    /* Nothing here waits for a program that does not take what it is given. */
    if (!failed &&
        (fcntl(filter->input, F_SETFL, O_NONBLOCK) || fcntl(filter->errors, F_SETFL, O_NONBLOCK)))
        failed = errno;
    if (failed)
        return error_io(err, failed, "can't make pipes for %s", argv[0]);
    const struct process_spec spec = {.argv = argv};
    const struct process_ends ends = {child_input, child_output, child_errors};
    return process_start(&spec, &ends, &filter->pid, err);
}

int filter_open(const char *const *argv, filter_source source, void *context,
                struct filter **filter, struct error *err) {
    AUTO_FILTER struct filter *fresh = calloc(1, sizeof *fresh);
    if (!fresh)
        return error_oom(err, "starting a program");
    fresh->program = argv[0];
    fresh->source = source;
    fresh->context = context;
    int rc = start(fresh, argv, err);
    if (!rc)
        *filter = STEAL(fresh);
    return rc;
}

static int refill(struct filter *filter, struct error *err) {
    size_t got = 0;
    int rc = filter->source(filter->context, filter->block, sizeof filter->block, &got, err);
    filter->begin = 0;
    filter->end = rc ? 0 : got;
    if (!rc && got == 0)
        close_end(&filter->input);
    return rc;
}

static int feed(struct filter *filter, struct error *err) {
    int rc = filter->begin == filter->end ? refill(filter, err) : 0;
    if (rc || filter->begin == filter->end)
        return rc;
    ssize_t size = write(filter->input, filter->block + filter->begin, filter->end - filter->begin);
    if (size >= 0)
        filter->begin += (size_t)size;
    else if (errno == EPIPE) {
        filter->refused = true;
        close_end(&filter->input);
    } else if (errno != EAGAIN && errno != EINTR)
        return error_io(err, errno, "can't write to %s", filter->program);
    return 0;
}

/* What it has to say, as far as it is there. */
static int listen_to(struct filter *filter, struct error *err) {
    char chunk[512];
    ssize_t got = read(filter->errors, chunk, sizeof chunk);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0)
        close_end(&filter->errors);
    size_t room = WORDS_MAX - filter->words.size, size = got > 0 ? (size_t)got : 0;
    return buffer_append(&filter->words, chunk, size < room ? size : room)
               ? error_oom(err, "running a program")
               : 0;
}

/* The output is at its end. */
static int finish(struct filter *filter, struct error *err) {
    struct process_result result;
    process_reap(filter->pid, &result);
    filter->pid = 0;
    int rc = filter->errors >= 0 ? listen_to(filter, err) : 0;
    if (rc || (result.exit_status == 0 && filter->input < 0 && !filter->refused &&
               filter->words.size == 0))
        return rc;
    const char *words = buffer_string(&filter->words);
    words += strspn(words, " \t\r\n");
    return error_set(err, ERROR_DAMAGED, EBADMSG, "%s ended with %s%s%.*s", filter->program,
                     process_describe(&result), *words ? ": " : "", (int)strcspn(words, "\n"),
                     words);
}

static int take(struct filter *filter, void *data, size_t size, size_t *got, struct error *err) {
    ssize_t count = read(filter->output, data, size);
    if (count < 0)
        return errno == EINTR ? -EAGAIN
                              : error_io(err, errno, "can't read from %s", filter->program);
    *got = (size_t)count;
    return count ? 0 : finish(filter, err);
}

int filter_read(struct filter *filter, void *data, size_t size, size_t *got, struct error *err) {
    *got = 0;
    int rc = -EAGAIN;
    while (rc == -EAGAIN && filter->pid) {
        struct pollfd wait[] = {{.fd = filter->output, .events = POLLIN},
                                {.fd = filter->input, .events = POLLOUT},
                                {.fd = filter->errors, .events = POLLIN}};
        if (poll(wait, ARRAY_SIZE(wait), TICK_MS) < 0 && errno != EINTR)
            return error_io(err, errno, "can't wait for %s", filter->program);
        int failed = interrupt_check(err);
        if (!failed && wait[2].revents)
            failed = listen_to(filter, err);
        if (!failed && wait[1].revents)
            failed = feed(filter, err);
        if (failed)
            return failed;
        if (wait[0].revents)
            rc = take(filter, data, size, got, err);
    }
    return rc == -EAGAIN ? 0 : rc;
}

void filter_close(struct filter **filter) {
    struct filter *closed = *filter;
    if (!closed)
        return;
    close_end(&closed->input);
    close_end(&closed->output);
    close_end(&closed->errors);
    if (closed->pid > 0) {
        struct process_result ignored;
        kill(closed->pid, SIGKILL);
        process_reap(closed->pid, &ignored);
    }
    buffer_release(&closed->words);
    free(closed);
    *filter = NULL;
}
