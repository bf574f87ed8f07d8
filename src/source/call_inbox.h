/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where calls are handed to the client's thread, and how old they are: a cancel ends those that
 * were submitted before it. All of it may be called from any thread.
 */
#ifndef SCB_SOURCE_CALL_INBOX_H
#define SCB_SOURCE_CALL_INBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "source/rpc_client.h"

struct scb_call_inbox {
    pthread_mutex_t lock;
    pthread_cond_t filled; /* or closing */
    struct scb_rpc_call *first, **end;
    bool closing;
    uint64_t epoch; /* raised by every cancel */
};

void scb_call_inbox_init(struct scb_call_inbox *inbox);
void scb_call_inbox_free(struct scb_call_inbox *inbox);

/* Adds the call, of the present epoch unless it keeps its own. True where it is the only one, so
 * that the client's thread is to be woken. */
bool scb_call_inbox_put(struct scb_call_inbox *inbox, struct scb_rpc_call *call, bool keep_epoch);
/* All that is there, linked through next; calls of epochs before *ret_cancel_before are to end. */
struct scb_rpc_call *scb_call_inbox_take(struct scb_call_inbox *inbox, uint64_t *ret_cancel_before,
                                         bool *ret_closing);
/* Returns when there is something to take. */
void scb_call_inbox_wait(struct scb_call_inbox *inbox);
void scb_call_inbox_cancel(struct scb_call_inbox *inbox);
void scb_call_inbox_close(struct scb_call_inbox *inbox);

#endif
