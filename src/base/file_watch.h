/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watchdog over file operations: a disk or network mount that hangs cannot be interrupted, only
 * noticed from another thread (backup.file_operation_timeout).
 */
#ifndef SCB_BASE_FILE_WATCH_H
#define SCB_BASE_FILE_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

#include "scb/error.h"

struct scb_file_watch;

/*
 * Starts a thread that calls stuck, once and on that thread, when an operation of a watched thread
 * has taken timeout_ms. The operation itself goes on hanging: what is left is to end the process.
 */
SCB_MUST_CHECK enum scb_status
scb_file_watch_start(int64_t timeout_ms, void (*stuck)(void *state, const struct scb_error *error),
                     void *state, struct scb_file_watch **ret_watch, struct scb_error *error);
/* No thread may be watched by it any more. */
void scb_file_watch_stop(struct scb_file_watch *watch);
/* From any thread; NULL does nothing. */
void scb_file_watch_set_timeout(struct scb_file_watch *watch, int64_t timeout_ms);

/* One scope of a thread in which it is watched; file_watch.c's. */
struct scb_file_watched {
    struct scb_file_watch *watch;
    struct scb_file_watched *outer; /* of the same thread; watches nothing meanwhile */
    struct scb_file_watched *next;  /* of the watch's list */
    atomic_int_fast64_t since_ms;   /* when the present operation began; 0: none */
};
void scb_file_watch_enter(struct scb_file_watched *watched, struct scb_file_watch *watch);
void scb_file_watch_leave(struct scb_file_watched *watched);

/*
 * The calling thread's operations, and those of the threads that it starts, are watched by watch
 * until the scope ends; NULL: by nobody, for what waits for a person or another program.
 */
#define SCB_FILE_WATCHED(watch_)                                                                   \
    __attribute__((cleanup(scb_file_watch_leave))) struct scb_file_watched watched_;               \
    scb_file_watch_enter(&watched_, (watch_))
/* Whose scope the calling thread is in; NULL: nobody's. */
struct scb_file_watch *scb_file_watch_present(void);

/* The operation under way has come back, to wait for another process: its time begins anew. */
void scb_file_operation_renew(void);

/* base/file's: an operation begins here and ends with the scope. */
int scb_file_operation_begin(void);
void scb_file_operation_end(const int *unused);
#define SCB_FILE_OPERATION                                                                         \
    __attribute__((cleanup(scb_file_operation_end), unused)) int operation_ =                      \
        scb_file_operation_begin()

#endif
