/* SPDX-License-Identifier: Apache-2.0 */
#include "source/call_queue.h"

#include <assert.h>

static bool ready_before(const struct scb_rpc_call *a, const struct scb_rpc_call *b)
{
    return a->order < b->order;
}

static bool due_before(const struct scb_rpc_call *a, const struct scb_rpc_call *b)
{
    return a->not_before_ms < b->not_before_ms;
}

/* Behind those that are equal; most calls come last, so that end is looked at first. */
static void insert(struct scb_call_list *list, struct scb_rpc_call *call,
                   bool (*before)(const struct scb_rpc_call *a, const struct scb_rpc_call *b))
{
    struct scb_rpc_call **at = &list->first;
    if (list->last != NULL && !before(call, list->last))
        at = &list->last->next;
    while (*at != NULL && !before(call, *at))
        at = &(*at)->next;
    call->next = *at;
    *at = call;
    if (call->next == NULL)
        list->last = call;
}

static bool take_out(struct scb_call_list *list, struct scb_rpc_call *call)
{
    struct scb_rpc_call *previous = NULL;
    struct scb_rpc_call *at = list->first;
    while (at != NULL && at != call) {
        previous = at;
        at = at->next;
    }
    if (at == NULL)
        return false;
    if (previous == NULL)
        list->first = call->next;
    else
        previous->next = call->next;
    if (list->last == call)
        list->last = previous;
    return true;
}

void scb_call_queue_add(struct scb_call_queue *queue, struct scb_rpc_call *call, int64_t now_ms)
{
    if (call->not_before_ms <= now_ms) {
        insert(&queue->ready, call, ready_before);
        return;
    }
    insert(&queue->delayed, call, due_before);
    queue->delayed_count++;
}

void scb_call_queue_remove(struct scb_call_queue *queue, struct scb_rpc_call *call)
{
    if (take_out(&queue->ready, call))
        return;
    bool delayed = take_out(&queue->delayed, call);
    assert(delayed);
    queue->delayed_count--;
}

int64_t scb_call_queue_wake(struct scb_call_queue *queue, int64_t now_ms)
{
    struct scb_rpc_call *call = queue->delayed.first;
    while (call != NULL && call->not_before_ms <= now_ms) {
        scb_call_queue_remove(queue, call);
        scb_call_queue_add(queue, call, now_ms);
        call = queue->delayed.first;
    }
    return call == NULL ? INT64_MAX : call->not_before_ms - now_ms;
}
