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

enum { LONGEST_LOOK_MS = 1000 };

struct scb_file_watch {
    pthread_mutex_t lock;
    struct scb_file_watched *watched; /* under it */
    atomic_int_fast64_t timeout_ms;
    void (*stuck)(void *state, const struct scb_error *error);
    void *state;
    pthread_t thread;
    struct scb_cancel *stop;
};

static _Thread_local struct scb_file_watched *mine;
static _Thread_local unsigned depth; /* operations are made of operations */

static int64_t now_ms(void)
{
    return scb_clock_monotonic_ms(scb_clock_system());
}

/* How long the longest operation under way has taken. */
static int64_t longest_ms(struct scb_file_watch *watch)
{
    int64_t now = now_ms(), longest = 0;
    pthread_mutex_lock(&watch->lock);
    for (struct scb_file_watched *one = watch->watched; one != NULL; one = one->next) {
        int64_t since = atomic_load(&one->since_ms);
        if (since != 0 && now - since > longest)
            longest = now - since;
    }
    pthread_mutex_unlock(&watch->lock);
    return longest;
}

static void *watch_files(void *argument)
{
    struct scb_file_watch *watch = argument;
    int64_t timeout_ms = 0, look_ms = 0;
    do {
        timeout_ms = atomic_load(&watch->timeout_ms);
        look_ms = timeout_ms / 4 < LONGEST_LOOK_MS ? timeout_ms / 4 + 1 : LONGEST_LOOK_MS;
        if (scb_cancel_sleep(watch->stop, look_ms))
            return NULL;
    } while (longest_ms(watch) < timeout_ms);
    struct scb_error error = {0};
    scb_error_set(&error, SCB_ERROR_FILE, "a file operation has not come back for %" PRId64 " s",
                  timeout_ms / 1000);
    (void)scb_error_hint(&error, "check the disk or mount below backup.backup_dir; "
                                 "backup.file_operation_timeout sets the limit");
    error.retryable = true;
    watch->stuck(watch->state, &error);
    return NULL;
}

static void release(struct scb_file_watch *watch)
{
    scb_cancel_free(watch->stop);
    pthread_mutex_destroy(&watch->lock);
    free(watch);
}

enum scb_status scb_file_watch_start(int64_t timeout_ms,
                                     void (*stuck)(void *state, const struct scb_error *error),
                                     void *state, struct scb_file_watch **ret_watch,
                                     struct scb_error *error)
{
    struct scb_file_watch *watch = scb_alloc(1, sizeof(*watch), error);
    if (watch == NULL)
        return SCB_ERROR_RESOURCE;
    pthread_mutex_init(&watch->lock, NULL);
    scb_file_watch_set_timeout(watch, timeout_ms);
    watch->stuck = stuck;
    watch->state = state;
    enum scb_status status = scb_cancel_new(&watch->stop, error);
    if (status == SCB_OK)
        status = scb_thread_start(&watch->thread, "file-watch", watch_files, watch, error);
    if (status != SCB_OK) {
        release(watch);
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
    assert(watch->watched == NULL);
    release(watch);
}

void scb_file_watch_set_timeout(struct scb_file_watch *watch, int64_t timeout_ms)
{
    if (watch != NULL)
        atomic_store(&watch->timeout_ms, timeout_ms);
}

void scb_file_watch_enter(struct scb_file_watched *watched, struct scb_file_watch *watch)
{
    watched->watch = watch;
    watched->outer = mine;
    atomic_init(&watched->since_ms, 0);
    mine = watched;
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->lock);
    watched->next = watch->watched;
    watch->watched = watched;
    pthread_mutex_unlock(&watch->lock);
}

void scb_file_watch_leave(struct scb_file_watched *watched)
{
    struct scb_file_watch *watch = watched->watch;
    mine = watched->outer;
    if (watch == NULL)
        return;
    pthread_mutex_lock(&watch->lock);
    struct scb_file_watched **at = &watch->watched;
    while (*at != watched)
        at = &(*at)->next;
    *at = watched->next;
    pthread_mutex_unlock(&watch->lock);
}

struct scb_file_watch *scb_file_watch_present(void)
{
    return mine == NULL ? NULL : mine->watch;
}

void scb_file_operation_renew(void)
{
    if (depth > 0 && mine != NULL)
        atomic_store_explicit(&mine->since_ms, now_ms(), memory_order_relaxed);
}

int scb_file_operation_begin(void)
{
    if (depth++ == 0)
        scb_file_operation_renew();
    return 0;
}

void scb_file_operation_end(const int *unused)
{
    (void)unused;
    if (--depth == 0 && mine != NULL)
        atomic_store_explicit(&mine->since_ms, 0, memory_order_relaxed);
}
