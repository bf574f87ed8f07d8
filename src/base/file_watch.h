/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A watchdog over file operations: a disk or network mount that hangs cannot be interrupted, only
 * noticed from another thread (backup.file_operation_timeout).
 */
#ifndef SCB_BASE_FILE_WATCH_H
#define SCB_BASE_FILE_WATCH_H

#include <stdint.h>

#include "scb/error.h"

struct scb_file_watch;

/*
 * Starts a thread that calls stuck, once and on that thread, when an operation of a joined thread
 * has taken timeout_ms. The operation itself goes on hanging: what is left is to end the process.
 */
SCB_MUST_CHECK enum scb_status
scb_file_watch_start(int64_t timeout_ms, void (*stuck)(void *state, const struct scb_error *error),
                     void *state, struct scb_file_watch **ret_watch, struct scb_error *error);
/* Every thread must have left. */
void scb_file_watch_stop(struct scb_file_watch *watch);

/* The calling thread's operations are watched from now on, until it leaves. NULL: they are not. */
void scb_file_watch_join(struct scb_file_watch *watch);
void scb_file_watch_leave(void);

/* base/file's: an operation begins here and ends with the scope. */
int scb_file_operation_begin(void);
void scb_file_operation_end(const int *unused);
#define SCB_FILE_OPERATION                                                                         \
    __attribute__((cleanup(scb_file_operation_end), unused)) int operation_ =                      \
        scb_file_operation_begin()

#endif
