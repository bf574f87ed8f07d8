/* SPDX-License-Identifier: Apache-2.0 */
#include "source/call_inbox.h"

void scb_call_inbox_init(struct scb_call_inbox *inbox)
{
    *inbox = (struct scb_call_inbox){.end = &inbox->first};
    pthread_mutex_init(&inbox->lock, NULL);
    pthread_cond_init(&inbox->filled, NULL);
}

void scb_call_inbox_free(struct scb_call_inbox *inbox)
{
    pthread_cond_destroy(&inbox->filled);
    pthread_mutex_destroy(&inbox->lock);
}

bool scb_call_inbox_put(struct scb_call_inbox *inbox, struct scb_rpc_call *call, bool keep_epoch)
{
    call->next = NULL;
    pthread_mutex_lock(&inbox->lock);
    if (!keep_epoch)
        call->epoch = inbox->epoch;
    bool only = inbox->first == NULL;
    *inbox->end = call;
    inbox->end = &call->next;
    pthread_cond_signal(&inbox->filled);
    pthread_mutex_unlock(&inbox->lock);
    return only;
}

struct scb_rpc_call *scb_call_inbox_take(struct scb_call_inbox *inbox, uint64_t *ret_cancel_before,
                                         bool *ret_closing)
{
    pthread_mutex_lock(&inbox->lock);
    struct scb_rpc_call *first = inbox->first;
    inbox->first = NULL;
    inbox->end = &inbox->first;
    *ret_cancel_before = inbox->epoch;
    *ret_closing = inbox->closing;
    pthread_mutex_unlock(&inbox->lock);
    return first;
}

void scb_call_inbox_wait(struct scb_call_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    while (inbox->first == NULL && !inbox->closing)
        pthread_cond_wait(&inbox->filled, &inbox->lock);
    pthread_mutex_unlock(&inbox->lock);
}

void scb_call_inbox_cancel(struct scb_call_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->epoch++;
    pthread_mutex_unlock(&inbox->lock);
}

void scb_call_inbox_close(struct scb_call_inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->closing = true;
    pthread_cond_signal(&inbox->filled);
    pthread_mutex_unlock(&inbox->lock);
}
