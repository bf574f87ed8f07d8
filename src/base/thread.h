/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads, a bounded queue between them, and the token that stops them all.
 */
#ifndef SCB_BASE_THREAD_H
#define SCB_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"

/*
 * Starts a thread with all signals blocked; name (up to 15 characters) is what top shows. Its file
 * operations are watched by whoever watches those of the thread that starts it (file_watch.h).
 */
SCB_MUST_CHECK enum scb_status scb_thread_start(pthread_t *ret_thread, const char *name,
                                                void *(*run)(void *), void *argument,
                                                struct scb_error *error);

/* A condition variable whose waits are bounded on the monotonic clock. */
void scb_condition_init(pthread_cond_t *ret_condition);
/*
 * One wait, under lock, until end_ms (scb_clock_monotonic_ms; INT64_MAX: for ever): false where
 * that has come. It may end without a reason, so it stands in a loop.
 */
bool scb_condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t end_ms);

/* A lock of which a writer who waits goes before readers who come later: without it, many who read
 * keep one who writes waiting for ever. No thread may read-lock it twice. */
void scb_rwlock_init(pthread_rwlock_t *lock);

/* A bounded first-in first-out queue of pointers. */
struct scb_queue;

SCB_MUST_CHECK enum scb_status scb_queue_new(size_t capacity, struct scb_queue **ret_queue,
                                             struct scb_error *error);
void scb_queue_free(struct scb_queue *queue);

/* Adds an item; false when the queue is full or closed. Never waits. */
bool scb_queue_push(struct scb_queue *queue, void *item);

/*
 * Takes the oldest item, waiting up to timeout_ms (-1: for ever) for one; NULL when the time is up
 * or the queue is closed and empty.
 */
void *scb_queue_pop(struct scb_queue *queue, int64_t timeout_ms);

/* No more items; waiting readers wake up. What is in it can still be taken. */
void scb_queue_close(struct scb_queue *queue);

/*
 * A request to stop, seen by every thread that holds the token. Requesting is async-signal-safe;
 * the descriptor becomes readable and stays so.
 */
struct scb_cancel;

SCB_MUST_CHECK enum scb_status scb_cancel_new(struct scb_cancel **ret_cancel,
                                              struct scb_error *error);
void scb_cancel_free(struct scb_cancel *cancel);
void scb_cancel_request(struct scb_cancel *cancel);
/* A NULL token is never cancelled. */
bool scb_cancel_requested(const struct scb_cancel *cancel);
/* For poll(); -1 for a NULL token. */
int scb_cancel_fd(const struct scb_cancel *cancel);
/* Takes the request back, for a token that asks for something again and again: true where there was
 * one since the last time. */
bool scb_cancel_take(struct scb_cancel *cancel);
/* Sleeps up to ms; true when cancelled meanwhile. */
bool scb_cancel_sleep(const struct scb_cancel *cancel, int64_t ms);
/* The same, but ends when other (which may be NULL) is requested, too; true where either was. */
bool scb_cancel_sleep_both(const struct scb_cancel *cancel, const struct scb_cancel *other,
                           int64_t ms);

#endif
