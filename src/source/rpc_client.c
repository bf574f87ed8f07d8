/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: callers only ever touch the inbox, which has a lock. All else - the queue, the
 * endpoints, the calls under way - belongs to the client's thread, so it needs no locks.
 */
#include "source/rpc_client.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/memory.h"
#include "source/call_inbox.h"
#include "source/call_metrics.h"
#include "source/call_queue.h"
#include "source/rpc_failure.h"

enum {
    LONGEST_WAIT_MS = 60000,
};

struct scb_rpc_client {
    struct scb_rpc_client_settings settings;
    struct scb_http *http;
    struct scb_endpoints endpoints;
    pthread_t thread;
    bool started;

    struct scb_call_inbox inbox;
    uint64_t cancel_before; /* calls of earlier epochs are to end */

    bool ending;             /* every call is being ended */
    struct scb_error broken; /* why the HTTP client serves nothing any more; SCB_OK: it does */
    struct scb_call_queue queue;
    struct scb_rpc_call *under_way;
    size_t in_flight;
    struct scb_buffer params; /* of the attempt being prepared; reserved once */
    uint64_t next_id;
    atomic_uint_fast64_t calls, failed_calls, retries, gauge_in_flight, gauge_delayed;
};

static int64_t now_ms(const struct scb_rpc_client *client)
{
    return scb_clock_monotonic_ms(client->settings.clock);
}

static void enqueue(struct scb_rpc_client *client, struct scb_rpc_call *call)
{
    scb_call_queue_add(&client->queue, call, now_ms(client));
    atomic_store(&client->gauge_delayed, client->queue.delayed_count);
}

static void finish_call(struct scb_rpc_call *call, enum scb_status status)
{
    const struct scb_rpc_client_settings *settings = &call->client->settings;
    call->status = status;
    if (status != SCB_OK && status != SCB_ERROR_CANCELED)
        atomic_fetch_add(&call->client->failed_calls, 1);
    scb_call_metrics_given_up(settings->metrics, call);
    if (settings->ended != NULL)
        settings->ended(settings->note_state);
    call->done(call);
}

/* Ends a call that is not to be tried again, whatever its last attempt said. */
static void give_up(struct scb_rpc_client *client, struct scb_rpc_call *call)
{
    call->outgrown = false;
    call->outcome = SCB_RPC_OK;
    if (client->broken.status != SCB_OK)
        call->error = client->broken;
    else
        scb_error_set(&call->error, SCB_ERROR_CANCELED, "interrupted");
    finish_call(call, call->error.status);
}

static bool take_body(struct scb_http_request *http, const void *data, size_t size)
{
    struct scb_rpc_call *call =
        (struct scb_rpc_call *)((char *)http - offsetof(struct scb_rpc_call, http));
    enum scb_status status = scb_rpc_response_feed(&call->response, data, size, &call->error);
    call->outgrown = status == SCB_ERROR_RESOURCE;
    call->feed_failed = status != SCB_OK;
    return status == SCB_OK;
}

static uint32_t random_bits(void)
{
    uint32_t bits = 0;
    return getrandom(&bits, sizeof(bits), GRND_NONBLOCK) == sizeof(bits) ? bits : UINT32_MAX;
}

/* A failed attempt: again later, or the end of the call. */
static void attempt_failed(struct scb_rpc_client *client, struct scb_rpc_call *call,
                           int64_t retry_after_ms)
{
    if (client->ending) {
        give_up(client, call);
        return;
    }
    int64_t now = now_ms(client);
    enum scb_retry_cause cause =
        scb_rpc_failure_cause(&client->endpoints, call, &retry_after_ms, now);
    scb_call_metrics_breaker(client->settings.metrics, &client->endpoints, call->answered_by);
    bool counts = cause != SCB_RETRY_THROTTLED && cause != SCB_RETRY_ELSEWHERE;
    call->throttled += cause == SCB_RETRY_THROTTLED;
    struct scb_retry_decision decision =
        scb_retry_decide(&client->settings.retry, cause,
                         cause == SCB_RETRY_THROTTLED ? call->throttled : call->attempts, now,
                         call->deadline_ms, retry_after_ms, random_bits());
    if (!decision.again) {
        scb_rpc_failure_describe(&client->endpoints, call, cause);
        finish_call(call, call->error.status);
        return;
    }
    atomic_fetch_add(&client->retries, 1);
    scb_metrics_add(client->settings.metrics, SCB_METRIC_RETRIES, 0, 1);
    call->not_before_ms = decision.not_before_ms;
    call->attempts -= !counts;
    if (cause == SCB_RETRY_THROTTLED) /* nobody asks that endpoint before */
        scb_rate_limit_pause(&client->endpoints.list[call->answered_by].limit,
                             decision.not_before_ms);
    enqueue(client, call);
}

static void finished(struct scb_http_request *http, const struct scb_http_result *result)
{
    struct scb_rpc_call *call =
        (struct scb_rpc_call *)((char *)http - offsetof(struct scb_rpc_call, http));
    struct scb_rpc_client *client = call->client;
    struct scb_rpc_call **at = &client->under_way;
    while (*at != call)
        at = &(*at)->next;
    *at = call->next;
    client->in_flight--;
    atomic_store(&client->gauge_in_flight, client->in_flight);
    client->endpoints.list[call->answered_by].in_flight--;
    struct scb_rpc_answer answer = {.outcome = SCB_RPC_OK};
    enum scb_status status = SCB_OK;
    if (call->feed_failed)
        status = call->error.status;
    else if (!result->answered)
        status = scb_error_set(&call->error, SCB_ERROR_CONTRACT, "%s", result->failure);
    else
        status = scb_rpc_response_finish(&call->response, result->status, &answer, &call->error);
    call->outcome = answer.outcome;
    call->result = answer.result;
    if (status == SCB_OK && call->judge != NULL) {
        call->outcome = call->judge(call);
        status = call->outcome == SCB_RPC_OK ? SCB_OK : call->error.status;
    }
    if (client->ending || call->outgrown) /* it was not let tell anything */
        scb_breaker_forgot(&client->endpoints.list[call->answered_by].breaker, now_ms(client));
    else
        scb_rpc_tell_breaker(&client->endpoints, call, status, now_ms(client));
    scb_call_metrics_ended(client->settings.metrics, call, status,
                           client->ending ? -1 : now_ms(client) - call->sent_ms);
    scb_call_metrics_breaker(client->settings.metrics, &client->endpoints, call->answered_by);
    if (status == SCB_OK) {
        finish_call(call, SCB_OK);
        return;
    }
    json_decref(SCB_TAKE(call->result));
    attempt_failed(client, call,
                   result->retry_after_ms > answer.retry_after_ms ? result->retry_after_ms
                                                                  : answer.retry_after_ms);
}

/* Sends a call that has been taken off the waiting list. */
static void start_attempt(struct scb_rpc_client *client, struct scb_rpc_call *call, size_t chosen)
{
    struct scb_endpoint *endpoint = &client->endpoints.list[chosen];
    uint64_t id = ++client->next_id;
    scb_rpc_response_begin(&call->response, id, call->hex_result, call->max_result);
    call->attempts++;
    call->answered_by = chosen;
    call->sent_ms = now_ms(client);
    call->outgrown = call->feed_failed = false;
    call->outcome = SCB_RPC_OK;
    call->error = (struct scb_error){0};
    call->request.max = SCB_MAX_RPC_PARAMS + 256;
    scb_buffer_clear(&call->request);
    enum scb_status status = scb_rpc_request(&call->request, id, call->method,
                                             (const char *)client->params.data, &call->error);
    int64_t timeout_ms = client->settings.timeout_ms;
    call->http = (struct scb_http_request){.url = endpoint->url,
                                           .body = call->request.data,
                                           .body_size = call->request.size,
                                           .timeout_ms = timeout_ms,
                                           .take_body = take_body,
                                           .finished = finished};
    if (status == SCB_OK)
        status = scb_http_start(client->http, &call->http, &call->error);
    if (status != SCB_OK) {
        scb_breaker_forgot(&endpoint->breaker, now_ms(client));
        finish_call(call, status);
        return;
    }
    atomic_fetch_add(&client->calls, 1);
    scb_call_metrics_breaker(client->settings.metrics, &client->endpoints, chosen);
    endpoint->in_flight++;
    client->in_flight++;
    atomic_store(&client->gauge_in_flight, client->in_flight);
    call->next = client->under_way;
    client->under_way = call;
}

/* Starts a ready call if that can be now; else *ret_wait_ms is lowered where time will help. */
static void try_start(struct scb_rpc_client *client, struct scb_rpc_call *call,
                      int64_t *ret_wait_ms)
{
    struct scb_endpoint_wish wish = scb_rpc_call_wish(call);
    int64_t now = now_ms(client);
    bool nobody_left = !scb_endpoints_any_left(&client->endpoints, &wish);
    if (nobody_left || now >= call->deadline_ms) {
        scb_call_queue_remove(&client->queue, call);
        call->outgrown = false; /* of an earlier attempt */
        if (nobody_left)
            scb_rpc_failure_nobody_left(&client->endpoints, call);
        else if (call->error.status == SCB_OK)
            scb_error_set(&call->error, SCB_ERROR_CONTRACT, "no endpoint answered in time");
        scb_rpc_failure_hint(call);
        finish_call(call, call->error.status);
        return;
    }
    int chosen = scb_endpoints_choose(&client->endpoints, &wish, now, ret_wait_ms);
    if (chosen < 0)
        return;
    scb_buffer_clear(&client->params);
    if (!call->prepare(call, (size_t)chosen, &client->params))
        return;
    scb_rate_limit_take(&client->endpoints.list[chosen].limit, now);
    scb_breaker_sent(&client->endpoints.list[chosen].breaker, now);
    scb_call_queue_remove(&client->queue, call);
    start_attempt(client, call, (size_t)chosen);
}

/* Starts what can be started; returns the ms until something more can. */
static int64_t start_ready(struct scb_rpc_client *client)
{
    int64_t wait_ms = scb_call_queue_wake(&client->queue, now_ms(client));
    wait_ms = wait_ms < LONGEST_WAIT_MS ? wait_ms : LONGEST_WAIT_MS;
    atomic_store(&client->gauge_delayed, client->queue.delayed_count);
    struct scb_rpc_call *next = client->queue.ready.first;
    while (next != NULL && client->in_flight < client->settings.max_in_flight) {
        struct scb_rpc_call *call = next;
        next = call->next; /* its end adds to the inbox only */
        try_start(client, call, &wait_ms);
    }
    return wait_ms;
}

/* Takes the inbox over; false when the client is closing. */
static bool take_inbox(struct scb_rpc_client *client)
{
    bool closing = false;
    struct scb_rpc_call *call =
        scb_call_inbox_take(&client->inbox, &client->cancel_before, &closing);
    while (call != NULL) {
        struct scb_rpc_call *next = call->next;
        enqueue(client, call);
        call = next;
    }
    return !closing;
}

/* The first call of the list that is older than the last cancel; all of them where all is set. */
static struct scb_rpc_call *find_cancelled(const struct scb_rpc_client *client,
                                           struct scb_rpc_call *list, bool all)
{
    while (list != NULL && !all && list->epoch >= client->cancel_before)
        list = list->next;
    return list;
}

static void end_calls(struct scb_rpc_client *client, bool all)
{
    struct scb_rpc_call *call = NULL;
    client->ending = true;
    while ((call = find_cancelled(client, client->under_way, all)) != NULL)
        scb_http_abort(client->http, &call->http);
    while ((call = find_cancelled(client, client->queue.ready.first, all)) != NULL ||
           (call = find_cancelled(client, client->queue.delayed.first, all)) != NULL) {
        scb_call_queue_remove(&client->queue, call);
        give_up(client, call);
    }
    client->ending = false;
}

static void *run(void *argument)
{
    struct scb_rpc_client *client = argument;
    while (take_inbox(client)) {
        bool broken = client->broken.status != SCB_OK;
        bool stopped = broken || scb_cancel_requested(client->settings.cancel);
        end_calls(client, stopped);
        if (broken) { /* it cannot wait, either */
            scb_call_inbox_wait(&client->inbox);
            continue;
        }
        int64_t wait_ms = stopped ? LONGEST_WAIT_MS : start_ready(client);
        int watch_fd = stopped ? -1 : scb_cancel_fd(client->settings.cancel);
        (void)!scb_http_run(client->http, wait_ms, watch_fd, &client->broken);
    }
    return NULL;
}

enum scb_status scb_rpc_client_new(const struct scb_rpc_client_settings *settings,
                                   struct scb_rpc_client **ret_client, struct scb_error *error)
{
    struct scb_rpc_client *client = scb_alloc(1, sizeof(*client), error);
    if (client == NULL)
        return SCB_ERROR_RESOURCE;
    client->settings = *settings;
    scb_call_inbox_init(&client->inbox);
    client->params.max = SCB_MAX_RPC_PARAMS;
    enum scb_status status =
        scb_endpoints_init(&client->endpoints, settings->urls, settings->rate_per_minute, error);
    client->endpoints.note = settings->note;
    client->endpoints.note_state = settings->note_state;
    scb_call_metrics_begin(settings->metrics, &client->endpoints);
    if (status == SCB_OK)
        status = scb_buffer_reserve(&client->params, SCB_MAX_RPC_PARAMS, error);
    if (status == SCB_OK)
        status = scb_http_new(settings->max_in_flight, settings->ca_file, &client->http, error);
    if (status == SCB_OK)
        status = scb_thread_start(&client->thread, "rpc", run, client, error);
    client->started = status == SCB_OK;
    client->settings.urls = NULL;
    client->settings.ca_file = NULL;
    if (status != SCB_OK) {
        scb_rpc_client_free(client);
        return status;
    }
    *ret_client = client;
    return SCB_OK;
}

void scb_rpc_client_free(struct scb_rpc_client *client)
{
    if (client == NULL)
        return;
    if (client->started) {
        scb_call_inbox_close(&client->inbox);
        scb_http_wake(client->http);
        (void)pthread_join(client->thread, NULL);
    }
    scb_http_free(client->http);
    scb_endpoints_free(&client->endpoints);
    scb_buffer_free(&client->params);
    scb_call_inbox_free(&client->inbox);
    free(client);
}

size_t scb_rpc_client_endpoints(const struct scb_rpc_client *client)
{
    return client->endpoints.count;
}

const char *scb_rpc_client_origin(const struct scb_rpc_client *client, size_t endpoint)
{
    return client->endpoints.list[endpoint].origin;
}

void scb_rpc_client_include_all(struct scb_rpc_client *client)
{
    for (size_t i = 0; i < client->endpoints.count; i++) {
        atomic_store(&client->endpoints.list[i].excluded, false);
        atomic_store(&client->endpoints.list[i].pruned, false);
    }
}

void scb_rpc_client_exclude(struct scb_rpc_client *client, size_t endpoint)
{
    atomic_store(&client->endpoints.list[endpoint].excluded, true);
}

bool scb_rpc_client_excluded(const struct scb_rpc_client *client, size_t endpoint)
{
    return atomic_load(&client->endpoints.list[endpoint].excluded);
}

static void to_inbox(struct scb_rpc_client *client, struct scb_rpc_call *call, bool again)
{
    call->client = client;
    call->attempts = call->throttled = 0;
    call->refused = call->garbled = 0;
    call->not_before_ms = 0;
    call->outgrown = call->feed_failed = false;
    call->outcome = SCB_RPC_OK;
    call->error = (struct scb_error){0};
    if (scb_call_inbox_put(&client->inbox, call, again))
        scb_http_wake(client->http);
}

void scb_rpc_client_submit(struct scb_rpc_client *client, struct scb_rpc_call *call)
{
    to_inbox(client, call, false);
}

void scb_rpc_client_submit_again(struct scb_rpc_client *client, struct scb_rpc_call *call)
{
    to_inbox(client, call, true);
}

void scb_rpc_client_wake(struct scb_rpc_client *client)
{
    scb_http_wake(client->http);
}

void scb_rpc_client_cancel(struct scb_rpc_client *client)
{
    scb_call_inbox_cancel(&client->inbox);
    scb_http_wake(client->http);
}

void scb_rpc_call_free(struct scb_rpc_call *call)
{
    json_decref(SCB_TAKE(call->result));
    scb_rpc_response_free(&call->response);
    scb_buffer_free(&call->request);
}

int64_t scb_rpc_client_patience(const struct scb_rpc_client *client)
{
    const struct scb_rpc_client_settings *settings = &client->settings;
    return now_ms(client) +
           (settings->timeout_ms + settings->retry.max_delay_ms) * settings->retry.attempts;
}

void scb_rpc_client_counters(struct scb_rpc_client *client,
                             struct scb_source_counters *ret_counters)
{
    ret_counters->calls = atomic_load(&client->calls);
    ret_counters->failed_calls = atomic_load(&client->failed_calls);
    ret_counters->retries = atomic_load(&client->retries);
    ret_counters->in_flight = atomic_load(&client->gauge_in_flight);
    ret_counters->delayed = atomic_load(&client->gauge_delayed);
}
