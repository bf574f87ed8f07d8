/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file_watch.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/thread.h"

enum {
    MAX_THREADS = 80, /* worker_concurrency goes up to 64 */
    LONGEST_LOOK_MS = 1000,
};

/* One joined thread; its own but for since_ms. */
struct watched {
    atomic_bool taken;
    atomic_int_fast64_t since_ms; /* when its present operation began; 0 = none */
};

struct scb_file_watch {
    struct watched threads[MAX_THREADS];
    int64_t timeout_ms;
    void (*stuck)(void *state, const struct scb_error *error);
    void *state;
    pthread_t thread;
    struct scb_cancel *stop;
};

static _Thread_local struct watched *mine;
static _Thread_local unsigned depth; /* operations are made of operations */

static int64_t now_ms(void)
{
    return scb_clock_monotonic_ms(scb_clock_system());
}

/* How long the longest operation under way has taken. */
static int64_t longest_ms(struct scb_file_watch *watch)
{
    int64_t now = now_ms(), longest = 0;
    for (size_t i = 0; i < MAX_THREADS; i++) {
        int64_t since = atomic_load(&watch->threads[i].since_ms);
        if (since != 0 && now - since > longest)
            longest = now - since;
    }
    return longest;
}

static void *watch_files(void *argument)
{
    struct scb_file_watch *watch = argument;
    int64_t look_ms = watch->timeout_ms / 4 + 1;
    look_ms = look_ms < LONGEST_LOOK_MS ? look_ms : LONGEST_LOOK_MS;
    while (!scb_cancel_sleep(watch->stop, look_ms)) {
        if (longest_ms(watch) < watch->timeout_ms)
            continue;
        struct scb_error error = {0};
        scb_error_set(&error, SCB_ERROR_FILE,
                      "a file operation has not come back for %" PRId64 " s",
                      watch->timeout_ms / 1000);
        (void)scb_error_hint(&error, "check the disk or mount below backup.backup_dir; "
                                     "backup.file_operation_timeout sets the limit");
        error.retryable = true;
        watch->stuck(watch->state, &error);
        break;
    }
    return NULL;
}

enum scb_status scb_file_watch_start(int64_t timeout_ms,
                                     void (*stuck)(void *state, const struct scb_error *error),
                                     void *state, struct scb_file_watch **ret_watch,
                                     struct scb_error *error)
{
    struct scb_file_watch *watch = scb_alloc(1, sizeof(*watch), error);
    if (watch == NULL)
        return SCB_ERROR_RESOURCE;
    watch->timeout_ms = timeout_ms;
    watch->stuck = stuck;
    watch->state = state;
    enum scb_status status = scb_cancel_new(&watch->stop, error);
    if (status == SCB_OK)
        status = scb_thread_start(&watch->thread, "file-watch", watch_files, watch, error);
    if (status != SCB_OK) {
        scb_cancel_free(watch->stop);
        free(watch);
        return status;
    }
    *ret_watch = watch;
    return SCB_OK;
}

void scb_file_watch_stop(struct scb_file_watch *watch)
{
    if (watch == NULL)
        return;
    scb_cancel_request(watch->stop);
    (void)pthread_join(watch->thread, NULL);
    scb_cancel_free(watch->stop);
    free(watch);
}

void scb_file_watch_join(struct scb_file_watch *watch)
{
    assert(mine == NULL);
    for (size_t i = 0; watch != NULL && i < MAX_THREADS && mine == NULL; i++)
        if (!atomic_exchange(&watch->threads[i].taken, true))
            mine = &watch->threads[i];
}

void scb_file_watch_leave(void)
{
    if (mine != NULL)
        atomic_store(&mine->taken, false);
    mine = NULL;
}

int scb_file_operation_begin(void)
{
    if (depth++ == 0 && mine != NULL)
        atomic_store_explicit(&mine->since_ms, now_ms(), memory_order_relaxed);
    return 0;
}

void scb_file_operation_end(const int *unused)
{
    (void)unused;
    if (--depth == 0 && mine != NULL)
        atomic_store_explicit(&mine->since_ms, 0, memory_order_relaxed);
}
