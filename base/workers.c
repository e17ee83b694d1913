#include "base/workers.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/interrupt.h"

unsigned workers_processors(void) {
    cpu_set_t allowed;
    int count = sched_getaffinity(0, sizeof allowed, &allowed) ? 1 : CPU_COUNT(&allowed);
    return count > 1 ? (unsigned)count : 1;
}

struct work {
    size_t count;
    workers_piece piece;
    void *context;

    pthread_mutex_t lock; /* of what follows */
    size_t next;          /* the piece that is begun next */
    size_t failed;        /* the first that failed, or count */
    int rc;
    struct error failure;
};

/* Takes the next piece; false when no other is to begin. */
static bool take(struct work *work, size_t *index) {
    pthread_mutex_lock(&work->lock);
    bool taken = work->next < work->count && work->rc == 0 && !interrupt_pending();
    if (taken)
        *index = work->next++;
    pthread_mutex_unlock(&work->lock);
    return taken;
}

static void note_failure(struct work *work, size_t index, int rc, const struct error *failure) {
    pthread_mutex_lock(&work->lock);
    if (index < work->failed) {
        work->failed = index;
        work->rc = rc;
        work->failure = *failure;
    }
    pthread_mutex_unlock(&work->lock);
}

static void *work_on(void *context) {
    struct work *work = context;
    size_t index;
    while (take(work, &index)) {
        struct error failure = {.kind = ERROR_NONE};
        int rc = work->piece(work->context, index, &failure);
        if (rc < 0)
            note_failure(work, index, rc, &failure);
    }
    return NULL;
}

/* The caller's thread is one of them: with no other all the work is done just as well. */
static int run(struct work *work, unsigned most, struct error *err) {
    size_t wanted = most < work->count ? most : work->count;
    size_t others = 0;
    pthread_t *threads = calloc(wanted + 1, sizeof *threads);
    if (!threads)
        return error_oom(err, "starting threads");
    while (others + 1 < wanted && pthread_create(&threads[others], NULL, work_on, work) == 0)
        others++;
    work_on(work);
    for (size_t i = 0; i < others; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    if (work->rc == 0)
        return interrupt_check(err);
    if (err)
        *err = work->failure;
    return work->rc;
}

int workers_run(size_t count, unsigned most, workers_piece piece, void *context,
                struct error *err) {
    struct work work = {.count = count,
                        .piece = piece,
                        .context = context,
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .failed = count};
    return run(&work, most, err);
}
