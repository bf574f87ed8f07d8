/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call that its caller waits for.
 */
#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "source/rpc_client.h"

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    const char *params;
    bool done;
};

static bool prepare_waited(struct scb_rpc_call *call, size_t endpoint, struct scb_buffer *params)
{
    (void)endpoint;
    const struct waiter *waiter = call->owner;
    return scb_buffer_append(params, waiter->params, strlen(waiter->params) + 1, NULL) == SCB_OK;
}

static void done_waited(struct scb_rpc_call *call)
{
    struct waiter *waiter = call->owner;
    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    pthread_cond_signal(&waiter->ended);
    pthread_mutex_unlock(&waiter->lock);
}

enum scb_status scb_rpc_client_call(struct scb_rpc_client *client, struct scb_rpc_call *call,
                                    const char *method, const char *params, struct scb_error *error)
{
    assert(strlen(params) < SCB_MAX_RPC_PARAMS);
    struct waiter waiter = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER, .params = params};
    call->method = method;
    /* cppcheck-suppress autoVariables - done before this returns */
    call->owner = &waiter;
    call->prepare = prepare_waited;
    call->done = done_waited;
    call->deadline_ms = scb_rpc_client_patience(client);
    scb_rpc_client_submit(client, call);
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.done)
        pthread_cond_wait(&waiter.ended, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    if (call->status != SCB_OK) {
        *error = call->error;
        (void)scb_error_wrap(error, "%s", method);
    }
    return call->status;
}
