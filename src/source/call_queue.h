/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that wait to be sent: those that may be, in the order of their owners, and those that
 * wait for their next attempt, by time. Taking the next call and adding the last one cost nothing
 * however many wait.
 */
#ifndef SCB_SOURCE_CALL_QUEUE_H
#define SCB_SOURCE_CALL_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/rpc_client.h"

struct scb_call_list {
    struct scb_rpc_call *first, *last;
};

struct scb_call_queue {
    struct scb_call_list ready;   /* by order */
    struct scb_call_list delayed; /* by not_before_ms */
    size_t delayed_count;
};

/* {0} is an empty one. A call is in one queue at a time, linked through its next. */
void scb_call_queue_add(struct scb_call_queue *queue, struct scb_rpc_call *call, int64_t now_ms);
void scb_call_queue_remove(struct scb_call_queue *queue, struct scb_rpc_call *call);

/* Calls whose time has come are ready; the ms until the next one's, INT64_MAX for none. */
int64_t scb_call_queue_wake(struct scb_call_queue *queue, int64_t now_ms);

#endif
