/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file_watch.h"
#include "base/memory.h"

static int64_t now_ms(void)
{
    return scb_clock_monotonic_ms(scb_clock_system());
}

/* What a new thread is given; its own to free. */
struct beginning {
    void *(*run)(void *);
    void *argument;
    struct scb_file_watch *watch;
};

static void *begin(void *argument)
{
    const struct beginning own = *(struct beginning *)argument;
    free(argument);
    SCB_FILE_WATCHED(own.watch);
    return own.run(own.argument);
}

enum scb_status scb_thread_start(pthread_t *ret_thread, const char *name, void *(*run)(void *),
                                 void *argument, struct scb_error *error)
{
    struct beginning *given = scb_alloc(1, sizeof(*given), error);
    if (given == NULL)
        return SCB_ERROR_RESOURCE;
    *given = (struct beginning){run, argument, scb_file_watch_present()};
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(ret_thread, NULL, begin, given);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        free(given);
        return scb_error_set_errno(error, SCB_ERROR_RESOURCE, failed, "thread '%s' not started",
                                   name);
    }
    (void)pthread_setname_np(*ret_thread, name);
    return SCB_OK;
}

void scb_condition_init(pthread_cond_t *ret_condition)
{
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(ret_condition, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

bool scb_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t end_ms)
{
    if (end_ms == INT64_MAX)
        return pthread_cond_wait(condition, lock) == 0;
    const struct timespec end = {.tv_sec = end_ms / 1000, .tv_nsec = end_ms % 1000 * 1000000};
    return pthread_cond_timedwait(condition, lock, &end) == 0;
}

void scb_rwlock_init(pthread_rwlock_t *lock)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

struct scb_queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    void **items;
    size_t capacity, first, count;
    bool closed;
};

enum scb_status scb_queue_new(size_t capacity, struct scb_queue **ret_queue,
                              struct scb_error *error)
{
    struct scb_queue *queue = scb_alloc(1, sizeof(*queue), error);
    if (queue == NULL)
        return SCB_ERROR_RESOURCE;
    queue->items = scb_alloc(capacity, sizeof(*queue->items), error);
    if (queue->items == NULL) {
        free(queue);
        return SCB_ERROR_RESOURCE;
    }
    queue->capacity = capacity;
    pthread_mutex_init(&queue->lock, NULL);
    scb_condition_init(&queue->filled);
    *ret_queue = queue;
    return SCB_OK;
}

void scb_queue_free(struct scb_queue *queue)
{
    if (queue == NULL)
        return;
    pthread_cond_destroy(&queue->filled);
    pthread_mutex_destroy(&queue->lock);
    free(queue->items);
    free(queue);
}

bool scb_queue_push(struct scb_queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    bool taken = !queue->closed && queue->count < queue->capacity;
    if (taken) {
        queue->items[(queue->first + queue->count) % queue->capacity] = item;
        queue->count++;
        pthread_cond_signal(&queue->filled);
    }
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

void *scb_queue_pop(struct scb_queue *queue, int64_t timeout_ms)
{
    int64_t end_ms = timeout_ms < 0 ? INT64_MAX : now_ms() + timeout_ms;
    void *item = NULL;
    pthread_mutex_lock(&queue->lock);
    while (queue->count == 0 && !queue->closed &&
           scb_condition_wait(&queue->filled, &queue->lock, end_ms))
        ;
    if (queue->count > 0) {
        item = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
    }
    pthread_mutex_unlock(&queue->lock);
    return item;
}

void scb_queue_close(struct scb_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    pthread_cond_broadcast(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

struct scb_cancel {
    atomic_bool requested;
    int fd; /* an eventfd, read only when a request is taken back */
};

enum scb_status scb_cancel_new(struct scb_cancel **ret_cancel, struct scb_error *error)
{
    struct scb_cancel *cancel = scb_alloc(1, sizeof(*cancel), error);
    if (cancel == NULL)
        return SCB_ERROR_RESOURCE;
    cancel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (cancel->fd < 0) {
        int failed = errno;
        free(cancel);
        return scb_error_set_errno(error, SCB_ERROR_RESOURCE, failed, "no eventfd");
    }
    *ret_cancel = cancel;
    return SCB_OK;
}

void scb_cancel_free(struct scb_cancel *cancel)
{
    if (cancel == NULL)
        return;
    (void)close(cancel->fd);
    free(cancel);
}

void scb_cancel_request(struct scb_cancel *cancel)
{
    int saved = errno;
    atomic_store(&cancel->requested, true);
    uint64_t one = 1;
    ssize_t written = write(cancel->fd, &one, sizeof(one));
    (void)written; /* a full counter is readable already */
    errno = saved;
}

bool scb_cancel_requested(const struct scb_cancel *cancel)
{
    return cancel != NULL && atomic_load(&cancel->requested);
}

int scb_cancel_fd(const struct scb_cancel *cancel)
{
    return cancel == NULL ? -1 : cancel->fd;
}

bool scb_cancel_take(struct scb_cancel *cancel)
{
    if (cancel == NULL)
        return false;
    uint64_t count = 0; /* first the descriptor: a request in between is seen by the flag */
    ssize_t taken = read(cancel->fd, &count, sizeof(count));
    (void)taken; /* nothing to read: no request */
    return atomic_exchange(&cancel->requested, false);
}

bool scb_cancel_sleep(const struct scb_cancel *cancel, int64_t ms)
{
    return scb_cancel_sleep_both(cancel, NULL, ms);
}

bool scb_cancel_sleep_both(const struct scb_cancel *cancel, const struct scb_cancel *other,
                           int64_t ms)
{
    int64_t end_ms = now_ms() + (ms < 0 ? 0 : ms);
    while (!scb_cancel_requested(cancel) && !scb_cancel_requested(other)) {
        int64_t left_ms = end_ms - now_ms();
        if (left_ms <= 0)
            break;
        struct pollfd waited[] = {{.fd = scb_cancel_fd(cancel), .events = POLLIN},
                                  {.fd = scb_cancel_fd(other), .events = POLLIN}};
        (void)poll(waited, 2, left_ms > 60000 ? 60000 : (int)left_ms);
    }
    return scb_cancel_requested(cancel) || scb_cancel_requested(other);
}
