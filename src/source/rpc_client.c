/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: callers only ever touch the inbox, under its lock. All else - the waiting list, the
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
#include "base/text.h"
#include "net/breaker.h"
#include "net/rate_limit.h"

enum {
    MAX_REQUEST = 512 * 1024, /* the longest is a transaction of 128 KiB, in hex */
    LONGEST_WAIT_MS = 60000,
    QUOTA_PAUSE_MS = 10 * 60 * 1000, /* a used-up plan does not come back in seconds */
};

struct endpoint {
    char *url; /* a secret: API keys live in it */
    char origin[256];
    struct scb_rate_limit limit;
    struct scb_breaker breaker;
    size_t in_flight;
    atomic_bool excluded;
};

struct scb_rpc_client {
    struct scb_rpc_client_settings settings;
    struct scb_http *http;
    struct endpoint *endpoints;
    size_t endpoint_count;
    pthread_t thread;
    bool started;

    pthread_mutex_t inbox_lock;
    struct scb_rpc_call *inbox, **inbox_end;
    bool closing;
    uint64_t epoch;         /* raised by every cancel; under the inbox's lock */
    uint64_t cancel_before; /* calls of earlier epochs are to end; the client's thread */

    bool ending;                  /* every call is being ended */
    struct scb_rpc_call *waiting; /* by order */
    struct scb_rpc_call *under_way;
    size_t in_flight;
    struct scb_buffer params; /* of the attempt being prepared; reserved once */
    uint64_t next_id;
    atomic_uint_fast64_t calls, failed_calls, retries, gauge_in_flight;
};

static int64_t now_ms(const struct scb_rpc_client *client)
{
    return scb_clock_monotonic_ms(client->settings.clock);
}

static void unlink_call(struct scb_rpc_call **list, struct scb_rpc_call *call)
{
    while (*list != call)
        list = &(*list)->next;
    *list = call->next;
}

static void add_waiting(struct scb_rpc_client *client, struct scb_rpc_call *call)
{
    struct scb_rpc_call **at = &client->waiting;
    while (*at != NULL && (*at)->order <= call->order)
        at = &(*at)->next;
    call->next = *at;
    *at = call;
}

static void note(struct scb_rpc_client *client, const struct endpoint *endpoint, const char *what)
{
    char text[400];
    if (client->settings.note == NULL)
        return;
    (void)snprintf(text, sizeof(text), "%s %s", endpoint->origin, what);
    client->settings.note(client->settings.note_state, text);
}

/* The ms until the endpoint may be asked. A call that names its endpoint goes past the breaker. */
static int64_t endpoint_wait(const struct scb_rpc_client *client, const struct endpoint *endpoint,
                             const struct scb_rpc_call *call)
{
    int64_t now = now_ms(client);
    int64_t limit_ms = scb_rate_limit_wait(&endpoint->limit, now);
    int64_t breaker_ms =
        call->endpoint == SCB_ANY_ENDPOINT ? scb_breaker_wait(&endpoint->breaker, now) : 0;
    return limit_ms > breaker_ms ? limit_ms : breaker_ms;
}

/* Better than the best so far: not the one that just failed the call, then the less busy one. */
static bool is_better(const struct scb_rpc_client *client, const struct scb_rpc_call *call,
                      size_t candidate, int best)
{
    if (best < 0)
        return true;
    bool failed = call->error.status != SCB_OK && call->answered_by == candidate;
    bool best_failed = call->error.status != SCB_OK && call->answered_by == (size_t)best;
    if (failed != best_failed)
        return best_failed;
    return client->endpoints[candidate].in_flight < client->endpoints[best].in_flight;
}

/* The best endpoint that may be asked now, or -1 with the ms until one may. */
static int choose_endpoint(struct scb_rpc_client *client, const struct scb_rpc_call *call,
                           int64_t *ret_wait_ms)
{
    int best = -1;
    for (size_t i = 0; i < client->endpoint_count; i++) {
        struct endpoint *endpoint = &client->endpoints[i];
        if ((call->endpoint != SCB_ANY_ENDPOINT && call->endpoint != (int)i) ||
            (call->endpoint == SCB_ANY_ENDPOINT && atomic_load(&endpoint->excluded)))
            continue;
        int64_t wait_ms = endpoint_wait(client, endpoint, call);
        if (wait_ms > 0) {
            if (wait_ms < *ret_wait_ms)
                *ret_wait_ms = wait_ms;
        } else if (is_better(client, call, i, best)) {
            best = (int)i;
        }
    }
    return best;
}

static void finish_call(struct scb_rpc_call *call, enum scb_status status)
{
    call->status = status;
    if (status != SCB_OK && status != SCB_ERROR_CANCELED)
        atomic_fetch_add(&call->client->failed_calls, 1);
    call->done(call);
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

static bool another_endpoint(const struct scb_rpc_client *client, const struct scb_rpc_call *call)
{
    for (size_t i = 0; call->endpoint == SCB_ANY_ENDPOINT && i < client->endpoint_count; i++)
        if (i != call->answered_by && !atomic_load(&client->endpoints[i].excluded))
            return true;
    return false;
}

/* Records what the failure says about the endpoint, and how far it can be retried. */
static enum scb_retry_cause judge_failure(struct scb_rpc_client *client, struct scb_rpc_call *call,
                                          int64_t retry_after_ms)
{
    struct endpoint *endpoint = &client->endpoints[call->answered_by];
    switch (call->outcome) {
    case SCB_RPC_OK: /* no answer came */
    case SCB_RPC_TROUBLE:
        return SCB_RETRY_TROUBLE;
    case SCB_RPC_BLOCK_UNKNOWN:
        return call->block_may_be_missing ? SCB_RETRY_NEVER : SCB_RETRY_BEHIND;
    case SCB_RPC_THROTTLED:
        scb_rate_limit_pause(&endpoint->limit, now_ms(client) + retry_after_ms);
        return SCB_RETRY_THROTTLED;
    case SCB_RPC_QUOTA:
        if (endpoint->breaker.state == SCB_BREAKER_CLOSED)
            note(client, endpoint, "says that its quota is used up; left alone for 10 minutes");
        scb_breaker_trip(&endpoint->breaker, now_ms(client), QUOTA_PAUSE_MS);
        return another_endpoint(client, call) ? SCB_RETRY_THROTTLED : SCB_RETRY_NEVER;
    case SCB_RPC_FORBIDDEN:
    case SCB_RPC_STATE_MISSING:
    case SCB_RPC_METHOD_MISSING:
    case SCB_RPC_BAD_PARAMETER:
        if (!another_endpoint(client, call)) /* permanent means on every endpoint */
            return SCB_RETRY_NEVER;
        if (!atomic_exchange(&endpoint->excluded, true))
            note(client, endpoint, "is left out: it cannot serve this block or call");
        return SCB_RETRY_TROUBLE;
    case SCB_RPC_TOO_HEAVY: /* one that cannot be made smaller met a busy node */
        return call->can_shrink ? SCB_RETRY_NEVER : SCB_RETRY_TROUBLE;
    case SCB_RPC_REVERTED:
    case SCB_RPC_REVERTED_EMPTY:
        return SCB_RETRY_NEVER;
    }
    return SCB_RETRY_NEVER;
}

static void add_hint(struct scb_rpc_call *call)
{
    if (call->error.hint[0] != '\0')
        return;
    const char *hint = "check contract.rpc_urls and that the node runs, or add an endpoint";
    if (call->outcome == SCB_RPC_THROTTLED)
        hint = "lower backup.smart_contract_rate_limit or add an endpoint";
    else if (call->outcome == SCB_RPC_QUOTA)
        hint = "the provider's plan is used up: raise it or add an endpoint";
    else if (call->outcome == SCB_RPC_FORBIDDEN)
        hint = "check the API key in contract.rpc_urls";
    (void)scb_error_hint(&call->error, "%s", hint);
}

/* A failed attempt: again later, or the end of the call. */
static void attempt_failed(struct scb_rpc_client *client, struct scb_rpc_call *call,
                           int64_t retry_after_ms)
{
    if (client->ending) {
        finish_call(call, scb_error_set(&call->error, SCB_ERROR_CANCELED, "interrupted"));
        return;
    }
    bool permanent = call->outgrown || call->error.status == SCB_ERROR_VALIDATION;
    enum scb_retry_cause cause =
        permanent ? SCB_RETRY_NEVER : judge_failure(client, call, retry_after_ms);
    bool throttled = cause == SCB_RETRY_THROTTLED;
    call->throttled += throttled;
    struct scb_retry_decision decision = scb_retry_decide(
        &client->settings.retry, cause, throttled ? call->throttled : call->attempts,
        now_ms(client), call->deadline_ms, retry_after_ms, random_bits());
    if (decision.again) {
        atomic_fetch_add(&client->retries, 1);
        call->not_before_ms = decision.not_before_ms;
        if (throttled) { /* nobody asks that endpoint before, and the attempt does not count */
            scb_rate_limit_pause(&client->endpoints[call->answered_by].limit,
                                 decision.not_before_ms);
            call->attempts--;
        }
        add_waiting(client, call);
        return;
    }
    struct scb_error cause_error = call->error;
    scb_error_set(&call->error, cause_error.status, "%s from %s", cause_error.message,
                  client->endpoints[call->answered_by].origin);
    if (cause != SCB_RETRY_NEVER && call->attempts > 1) {
        struct scb_error counted = call->error;
        scb_error_set(&call->error, counted.status, "%s after %d attempts", counted.message,
                      (int)call->attempts);
    }
    (void)scb_error_hint(&call->error, "%s", cause_error.hint);
    call->error.retryable = cause != SCB_RETRY_NEVER;
    add_hint(call);
    finish_call(call, call->error.status);
}

/* What the attempt says of its endpoint: an answer of any kind means that it works. */
static void tell_breaker(struct scb_rpc_client *client, const struct scb_rpc_call *call,
                         enum scb_status status)
{
    struct endpoint *endpoint = &client->endpoints[call->answered_by];
    bool was_open = endpoint->breaker.state != SCB_BREAKER_CLOSED;
    if (client->ending || call->outgrown) {
        scb_breaker_forgot(&endpoint->breaker, now_ms(client));
    } else if (status != SCB_OK &&
               (call->outcome == SCB_RPC_OK || call->outcome == SCB_RPC_TROUBLE)) {
        if (scb_breaker_failed(&endpoint->breaker, now_ms(client)) && !was_open)
            note(client, endpoint, "keeps failing; left alone for a while");
    } else {
        scb_breaker_succeeded(&endpoint->breaker);
        if (was_open && endpoint->breaker.state == SCB_BREAKER_CLOSED)
            note(client, endpoint, "answers again");
    }
}

static void finished(struct scb_http_request *http, const struct scb_http_result *result)
{
    struct scb_rpc_call *call =
        (struct scb_rpc_call *)((char *)http - offsetof(struct scb_rpc_call, http));
    struct scb_rpc_client *client = call->client;
    unlink_call(&client->under_way, call);
    client->in_flight--;
    atomic_store(&client->gauge_in_flight, client->in_flight);
    client->endpoints[call->answered_by].in_flight--;
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
    tell_breaker(client, call, status);
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
    struct endpoint *endpoint = &client->endpoints[chosen];
    uint64_t id = ++client->next_id;
    scb_rpc_response_begin(&call->response, id, call->hex_result, call->max_result);
    call->attempts++;
    call->answered_by = chosen;
    call->outgrown = call->feed_failed = false;
    call->outcome = SCB_RPC_OK;
    call->error = (struct scb_error){0};
    call->request.max = MAX_REQUEST + 256;
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
    endpoint->in_flight++;
    client->in_flight++;
    atomic_store(&client->gauge_in_flight, client->in_flight);
    call->next = client->under_way;
    client->under_way = call;
}

static bool any_endpoint_left(const struct scb_rpc_client *client, const struct scb_rpc_call *call)
{
    bool left = call->endpoint != SCB_ANY_ENDPOINT;
    for (size_t i = 0; i < client->endpoint_count && !left; i++)
        left = !atomic_load(&client->endpoints[i].excluded);
    return left;
}

/* Starts one waiting call if it can; false when it cannot yet. */
static bool try_start(struct scb_rpc_client *client, struct scb_rpc_call *call, int64_t *wait_ms)
{
    int64_t left_ms = call->not_before_ms - now_ms(client);
    if (left_ms > 0) {
        *wait_ms = left_ms < *wait_ms ? left_ms : *wait_ms;
        return false;
    }
    if (!any_endpoint_left(client, call) || now_ms(client) >= call->deadline_ms) {
        unlink_call(&client->waiting, call);
        call->outgrown = false; /* of an earlier attempt */
        if (call->error.status == SCB_OK)
            scb_error_set(&call->error, SCB_ERROR_CONTRACT, "no endpoint answered in time");
        add_hint(call);
        finish_call(call, call->error.status);
        return true;
    }
    int chosen = choose_endpoint(client, call, wait_ms);
    if (chosen < 0)
        return false;
    scb_buffer_clear(&client->params);
    if (!call->prepare(call, (size_t)chosen, &client->params))
        return false;
    scb_rate_limit_take(&client->endpoints[chosen].limit, now_ms(client));
    scb_breaker_sent(&client->endpoints[chosen].breaker, now_ms(client));
    unlink_call(&client->waiting, call);
    start_attempt(client, call, (size_t)chosen);
    return true;
}

/* Starts what can be started; returns the ms until something more can. */
static int64_t start_waiting(struct scb_rpc_client *client)
{
    int64_t wait_ms = LONGEST_WAIT_MS;
    struct scb_rpc_call *call = client->waiting;
    while (call != NULL && client->in_flight < client->settings.max_in_flight) {
        struct scb_rpc_call *next = call->next;
        /* A call that ended may have changed the list: begin again. */
        call = try_start(client, call, &wait_ms) ? client->waiting : next;
    }
    return wait_ms;
}

/* Takes the inbox over; false when the client is closing. */
static bool take_inbox(struct scb_rpc_client *client)
{
    pthread_mutex_lock(&client->inbox_lock);
    struct scb_rpc_call *call = client->inbox;
    client->inbox = NULL;
    client->inbox_end = &client->inbox;
    bool closing = client->closing;
    client->cancel_before = client->epoch;
    pthread_mutex_unlock(&client->inbox_lock);
    while (call != NULL) {
        struct scb_rpc_call *next = call->next;
        add_waiting(client, call);
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
    while ((call = find_cancelled(client, client->waiting, all)) != NULL) {
        unlink_call(&client->waiting, call);
        finish_call(call, scb_error_set(&call->error, SCB_ERROR_CANCELED, "interrupted"));
    }
    client->ending = false;
}

static void *run(void *argument)
{
    struct scb_rpc_client *client = argument;
    bool broken = false; /* the HTTP client itself */
    while (take_inbox(client)) {
        bool stopped = broken || scb_cancel_requested(client->settings.cancel);
        end_calls(client, stopped);
        int64_t wait_ms = stopped ? LONGEST_WAIT_MS : start_waiting(client);
        int watch_fd = stopped ? -1 : scb_cancel_fd(client->settings.cancel);
        struct scb_error error = {0};
        broken |= scb_http_run(client->http, wait_ms, watch_fd, &error) != SCB_OK;
    }
    return NULL;
}

static enum scb_status add_endpoints(struct scb_rpc_client *client, struct scb_error *error)
{
    const char *const *urls = client->settings.urls;
    while (urls[client->endpoint_count] != NULL)
        client->endpoint_count++;
    client->endpoints = scb_alloc(client->endpoint_count, sizeof(*client->endpoints), error);
    for (size_t i = 0; client->endpoints != NULL && i < client->endpoint_count; i++) {
        struct endpoint *endpoint = &client->endpoints[i];
        scb_text_url_origin(urls[i], endpoint->origin, sizeof(endpoint->origin));
        scb_rate_limit_begin(&endpoint->limit, client->settings.rate_per_minute);
        endpoint->url = scb_strdup(urls[i], error);
        if (endpoint->url == NULL)
            return SCB_ERROR_RESOURCE;
    }
    return client->endpoints == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
}

enum scb_status scb_rpc_client_new(const struct scb_rpc_client_settings *settings,
                                   struct scb_rpc_client **ret_client, struct scb_error *error)
{
    struct scb_rpc_client *client = scb_alloc(1, sizeof(*client), error);
    if (client == NULL)
        return SCB_ERROR_RESOURCE;
    client->settings = *settings;
    client->inbox_end = &client->inbox;
    pthread_mutex_init(&client->inbox_lock, NULL);
    client->params.max = MAX_REQUEST;
    enum scb_status status = add_endpoints(client, error);
    if (status == SCB_OK)
        status = scb_buffer_reserve(&client->params, MAX_REQUEST, error);
    if (status == SCB_OK)
        status = scb_http_new(settings->max_in_flight, &client->http, error);
    if (status == SCB_OK)
        status = scb_thread_start(&client->thread, "rpc", run, client, error);
    client->started = status == SCB_OK;
    client->settings.urls = NULL;
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
        pthread_mutex_lock(&client->inbox_lock);
        client->closing = true;
        pthread_mutex_unlock(&client->inbox_lock);
        scb_http_wake(client->http);
        (void)pthread_join(client->thread, NULL);
    }
    scb_http_free(client->http);
    for (size_t i = 0; client->endpoints != NULL && i < client->endpoint_count; i++) {
        if (client->endpoints[i].url != NULL)
            scb_wipe(client->endpoints[i].url, strlen(client->endpoints[i].url));
        free(client->endpoints[i].url);
    }
    free(client->endpoints);
    scb_buffer_free(&client->params);
    pthread_mutex_destroy(&client->inbox_lock);
    free(client);
}

size_t scb_rpc_client_endpoints(const struct scb_rpc_client *client)
{
    return client->endpoint_count;
}

const char *scb_rpc_client_origin(const struct scb_rpc_client *client, size_t endpoint)
{
    return client->endpoints[endpoint].origin;
}

void scb_rpc_client_include_all(struct scb_rpc_client *client)
{
    for (size_t i = 0; i < client->endpoint_count; i++)
        atomic_store(&client->endpoints[i].excluded, false);
}

void scb_rpc_client_exclude(struct scb_rpc_client *client, size_t endpoint)
{
    atomic_store(&client->endpoints[endpoint].excluded, true);
}

bool scb_rpc_client_excluded(const struct scb_rpc_client *client, size_t endpoint)
{
    return atomic_load(&client->endpoints[endpoint].excluded);
}

void scb_rpc_client_submit(struct scb_rpc_client *client, struct scb_rpc_call *call)
{
    call->client = client;
    call->next = NULL;
    call->attempts = call->throttled = 0;
    call->not_before_ms = 0;
    call->outgrown = call->feed_failed = false;
    call->outcome = SCB_RPC_OK;
    call->error = (struct scb_error){0};
    pthread_mutex_lock(&client->inbox_lock);
    call->epoch = client->epoch;
    bool first = client->inbox == NULL;
    *client->inbox_end = call;
    client->inbox_end = &call->next;
    pthread_mutex_unlock(&client->inbox_lock);
    if (first)
        scb_http_wake(client->http);
}

void scb_rpc_client_wake(struct scb_rpc_client *client)
{
    scb_http_wake(client->http);
}

void scb_rpc_client_cancel(struct scb_rpc_client *client)
{
    pthread_mutex_lock(&client->inbox_lock);
    client->epoch++;
    pthread_mutex_unlock(&client->inbox_lock);
    scb_http_wake(client->http);
}

void scb_rpc_call_free(struct scb_rpc_call *call)
{
    json_decref(SCB_TAKE(call->result));
    scb_rpc_response_free(&call->response);
    scb_buffer_free(&call->request);
}

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
    assert(strlen(params) < MAX_REQUEST);
    struct waiter waiter = {
        .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER, .params = params};
    call->method = method;
    /* cppcheck-suppress autoVariables - done before this returns */
    call->owner = &waiter;
    call->prepare = prepare_waited;
    call->done = done_waited;
    call->deadline_ms =
        now_ms(client) + (client->settings.timeout_ms + client->settings.retry.max_delay_ms) *
                             client->settings.retry.attempts;
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

void scb_rpc_client_counters(struct scb_rpc_client *client,
                             struct scb_source_counters *ret_counters)
{
    ret_counters->calls = atomic_load(&client->calls);
    ret_counters->failed_calls = atomic_load(&client->failed_calls);
    ret_counters->retries = atomic_load(&client->retries);
    ret_counters->in_flight = atomic_load(&client->gauge_in_flight);
}
