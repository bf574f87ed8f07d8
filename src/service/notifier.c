/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: a list of deliveries under a lock and one thread that takes those whose time has come,
 * one at a time. One that may succeed later goes back into the list with its next time, so that it
 * holds nobody up; each attempt is bounded. At the end the time has come for each of them once,
 * and for a little longer what failed is tried again.
 */
#include "service/notifier.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/thread.h"
#include "crypto/hmac.h"
#include "net/http.h"
#include "net/retry.h"
#include "service/notify_command.h"

enum { GIVE_UP_MS = 15 * 60 * 1000, MAX_HEADER = 128 };

static const char program_ended[] = "the program ended";

struct delivery {
    char *target; /* may hold a key */
    char header[MAX_HEADER];
    struct scb_buffer body;
    int64_t attempts, not_before_ms, deadline_ms;
    bool tried_last; /* since the end has begun */
};

struct scb_notifier {
    struct scb_notifier_settings settings;
    struct scb_http *http;
    struct scb_cancel *cancel; /* ends the attempt that is under way */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct delivery *waiting[SCB_NOTIFIER_ROOM];
    size_t count;
    bool closing, done;
    int64_t last_ms; /* while it is closing: after that nothing is tried again */
};

static int64_t now_ms(void)
{
    return scb_clock_monotonic_ms(scb_clock_system());
}

static bool is_url(const struct delivery *delivery)
{
    return delivery->target[0] != '/';
}

static void delivery_free(struct delivery *delivery)
{
    if (delivery == NULL)
        return;
    if (delivery->target != NULL)
        scb_wipe(delivery->target, strlen(delivery->target));
    free(delivery->target);
    scb_buffer_free(&delivery->body);
    free(delivery);
}

/* The command without its arguments, the URL without what may be a key. */
static void log_undelivered(const struct scb_notifier *notifier, const struct delivery *delivery,
                            const char *why)
{
    char shown[256];
    if (is_url(delivery))
        scb_text_url_origin(delivery->target, shown, sizeof(shown));
    else
        (void)snprintf(shown, sizeof(shown), "%.*s", (int)strcspn(delivery->target, " "),
                       delivery->target);
    scb_log_warn(notifier->settings.log, "Notification not delivered", SCB_TEXT("target", shown),
                 SCB_NUMBER("attempts", delivery->attempts), SCB_TEXT("error", why));
}

/* --- one attempt --- */

struct attempt {
    struct scb_http_request request; /* first: it is found by it */
    struct scb_http_result result;
    bool ended;
};

static bool ignore_body(struct scb_http_request *request, const void *data, size_t size)
{
    (void)request;
    (void)data;
    (void)size;
    return true;
}

static void note_end(struct scb_http_request *request, const struct scb_http_result *result)
{
    struct attempt *attempt = (struct attempt *)(void *)request;
    attempt->result = *result;
    attempt->ended = true;
}

static enum scb_retry_cause judge(const struct scb_http_result *result)
{
    if (!result->answered || result->status >= 500 || result->status == 408)
        return SCB_RETRY_TROUBLE;
    return result->status == 429 ? SCB_RETRY_THROTTLED : SCB_RETRY_NEVER;
}

/* True where it is delivered; else *ret_cause says what may become of it, error why. */
static bool call_url(struct scb_notifier *notifier, struct delivery *delivery,
                     enum scb_retry_cause *ret_cause, int64_t *ret_after_ms,
                     struct scb_error *error)
{
    struct attempt attempt = {
        .request = {.url = delivery->target,
                    .body = delivery->body.size == 0 ? NULL : delivery->body.data,
                    .body_size = delivery->body.size,
                    .header = delivery->header[0] == '\0' ? NULL : delivery->header,
                    .timeout_ms = notifier->settings.url_ms,
                    .take_body = ignore_body,
                    .finished = note_end}};
    *ret_cause = SCB_RETRY_TROUBLE;
    if (scb_http_start(notifier->http, &attempt.request, error) != SCB_OK)
        return false;
    while (!attempt.ended) {
        enum scb_status status =
            scb_http_run(notifier->http, 1000, scb_cancel_fd(notifier->cancel), error);
        bool stopped = status != SCB_OK || scb_cancel_requested(notifier->cancel);
        if (stopped && !attempt.ended)
            scb_http_abort(notifier->http, &attempt.request);
    }
    if (attempt.result.status >= 200 && attempt.result.status < 300)
        return true;
    *ret_cause = judge(&attempt.result);
    *ret_after_ms = attempt.result.retry_after_ms;
    if (attempt.result.answered)
        (void)scb_error_set(error, SCB_ERROR_INTERNAL, "HTTP %ld", attempt.result.status);
    else
        (void)scb_error_set(error, SCB_ERROR_INTERNAL, "%s", attempt.result.failure);
    return false;
}

/* True where it is to be tried again, not before its time. */
static bool deliver(struct scb_notifier *notifier, struct delivery *delivery)
{
    static const struct scb_retry_policy policy = {
        .attempts = 6, .delay_ms = 2000, .max_delay_ms = 60000};
    enum scb_retry_cause cause = SCB_RETRY_NEVER;
    int64_t after_ms = 0;
    struct scb_error error = {0};
    delivery->attempts++;
    bool delivered = is_url(delivery) ? call_url(notifier, delivery, &cause, &after_ms, &error)
                                      : scb_notify_command_run(delivery->target,
                                                               scb_buffer_bytes(&delivery->body),
                                                               notifier->settings.command_ms,
                                                               notifier->cancel, &error) == SCB_OK;
    if (delivered)
        return false;
    uint32_t random = arc4random();
    struct scb_retry_decision next = scb_retry_decide(&policy, cause, delivery->attempts, now_ms(),
                                                      delivery->deadline_ms, after_ms, random);
    delivery->not_before_ms = next.not_before_ms;
    if (next.again)
        return true;
    log_undelivered(notifier, delivery, error.message);
    return false;
}

/* --- the thread --- */

static int64_t due_ms(const struct scb_notifier *notifier, const struct delivery *delivery)
{
    return notifier->closing && !delivery->tried_last ? 0 : delivery->not_before_ms;
}

static bool comes_before(const struct scb_notifier *notifier, const struct delivery *one,
                         const struct delivery *other)
{
    int64_t one_ms = due_ms(notifier, one), other_ms = due_ms(notifier, other);
    return one_ms != other_ms ? one_ms < other_ms : !is_url(one) && is_url(other);
}

/* The one whose turn it is, taken out where its time has come; else *ret_end_ms is that time. */
static struct delivery *take_due(struct scb_notifier *notifier, int64_t *ret_end_ms)
{
    size_t first = 0;
    for (size_t i = 1; i < notifier->count; i++)
        if (comes_before(notifier, notifier->waiting[i], notifier->waiting[first]))
            first = i;
    *ret_end_ms = INT64_MAX;
    if (notifier->count == 0)
        return NULL;
    struct delivery *delivery = notifier->waiting[first];
    *ret_end_ms = due_ms(notifier, delivery);
    if (*ret_end_ms > now_ms())
        return NULL;
    notifier->count--;
    memmove(notifier->waiting + first, notifier->waiting + first + 1,
            (notifier->count - first) * sizeof(struct delivery *));
    return delivery;
}

/* Under the lock. */
static void put(struct scb_notifier *notifier, struct delivery *delivery)
{
    if (notifier->count < SCB_NOTIFIER_ROOM) {
        notifier->waiting[notifier->count++] = delivery;
        return;
    }
    log_undelivered(notifier, delivery, "too many wait");
    delivery_free(delivery);
}

/* Under the lock. */
static void put_back_or_free(struct scb_notifier *notifier, struct delivery *delivery, bool again)
{
    delivery->tried_last = notifier->closing;
    bool in_time = !notifier->closing || (delivery->not_before_ms < notifier->last_ms &&
                                          !scb_cancel_requested(notifier->cancel));
    if (again && in_time) {
        put(notifier, delivery);
        return;
    }
    if (again)
        log_undelivered(notifier, delivery, program_ended);
    delivery_free(delivery);
}

static void *run(void *argument)
{
    struct scb_notifier *notifier = argument;
    pthread_mutex_lock(&notifier->lock);
    while (!scb_cancel_requested(notifier->cancel)) {
        int64_t end_ms = INT64_MAX;
        struct delivery *delivery = take_due(notifier, &end_ms);
        if (delivery == NULL && notifier->closing && notifier->count == 0)
            break;
        if (delivery == NULL) {
            (void)scb_condition_wait(&notifier->changed, &notifier->lock, end_ms);
            continue;
        }
        pthread_mutex_unlock(&notifier->lock);
        bool again = deliver(notifier, delivery);
        pthread_mutex_lock(&notifier->lock);
        put_back_or_free(notifier, delivery, again);
    }
    notifier->done = true;
    pthread_cond_broadcast(&notifier->changed);
    pthread_mutex_unlock(&notifier->lock);
    return NULL;
}

/* --- for others --- */

static void set_default(int64_t *ms, int64_t value)
{
    if (*ms == 0)
        *ms = value;
}

static void release(struct scb_notifier *notifier)
{
    for (size_t i = 0; i < notifier->count; i++) {
        log_undelivered(notifier, notifier->waiting[i], program_ended);
        delivery_free(notifier->waiting[i]);
    }
    pthread_cond_destroy(&notifier->changed);
    pthread_mutex_destroy(&notifier->lock);
    scb_cancel_free(notifier->cancel);
    scb_http_free(notifier->http);
    free(notifier);
}

enum scb_status scb_notifier_new(const struct scb_notifier_settings *settings,
                                 struct scb_notifier **ret_notifier, struct scb_error *error)
{
    struct scb_notifier *notifier = scb_alloc(1, sizeof(*notifier), error);
    if (notifier == NULL)
        return SCB_ERROR_RESOURCE;
    notifier->settings = *settings;
    set_default(&notifier->settings.url_ms, SCB_NOTIFIER_URL_MS);
    set_default(&notifier->settings.command_ms, SCB_NOTIFIER_COMMAND_MS);
    set_default(&notifier->settings.drain_ms, SCB_NOTIFIER_DRAIN_MS);
    pthread_mutex_init(&notifier->lock, NULL);
    scb_condition_init(&notifier->changed);
    enum scb_status status = scb_http_new(1, settings->ca_file, &notifier->http, error);
    if (status == SCB_OK)
        status = scb_cancel_new(&notifier->cancel, error);
    if (status == SCB_OK)
        status = scb_thread_start(&notifier->thread, "notifier", run, notifier, error);
    if (status != SCB_OK) {
        release(notifier);
        return status;
    }
    *ret_notifier = notifier;
    return SCB_OK;
}

void scb_notifier_free(struct scb_notifier *notifier)
{
    if (notifier == NULL)
        return;
    pthread_mutex_lock(&notifier->lock);
    int64_t closing_ms = now_ms(), end_ms = closing_ms + notifier->settings.drain_ms;
    notifier->closing = true;
    notifier->last_ms = closing_ms + notifier->settings.url_ms;
    pthread_cond_broadcast(&notifier->changed);
    while (!notifier->done && scb_condition_wait(&notifier->changed, &notifier->lock, end_ms))
        ;
    scb_cancel_request(notifier->cancel);
    pthread_cond_broadcast(&notifier->changed);
    pthread_mutex_unlock(&notifier->lock);
    (void)pthread_join(notifier->thread, NULL);
    release(notifier);
}

static enum scb_status fill(struct delivery *delivery, const char *target, const char *secret,
                            struct scb_bytes body, struct scb_error *error)
{
    delivery->target = scb_strdup(target, error);
    delivery->body.max = body.size;
    enum scb_status status = delivery->target == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
    if (status == SCB_OK && body.size > 0)
        status = scb_buffer_append(&delivery->body, body.data, body.size, error);
    if (status != SCB_OK || secret[0] == '\0' || body.size == 0)
        return status;
    uint8_t mac[SCB_SHA256_SIZE];
    char hex[SCB_SHA256_TEXT_SIZE];
    status = scb_hmac_sha256((struct scb_bytes){(const uint8_t *)secret, strlen(secret)}, body, mac,
                             error);
    scb_text_hex(mac, sizeof(mac), hex);
    (void)snprintf(delivery->header, sizeof(delivery->header), "X-Satellite-Signature: sha256=%s",
                   hex);
    return status;
}

void scb_notifier_send(struct scb_notifier *notifier, const char *target, const char *secret,
                       struct scb_bytes body)
{
    struct scb_error error = {0};
    struct delivery *delivery = scb_alloc(1, sizeof(*delivery), &error);
    if (delivery == NULL || fill(delivery, target, secret, body, &error) != SCB_OK) {
        scb_log_warn(notifier->settings.log, "Notification not delivered",
                     SCB_TEXT("error", error.message));
        delivery_free(delivery);
        return;
    }
    delivery->not_before_ms = now_ms();
    delivery->deadline_ms = delivery->not_before_ms + GIVE_UP_MS;
    pthread_mutex_lock(&notifier->lock);
    put(notifier, delivery);
    pthread_cond_broadcast(&notifier->changed);
    pthread_mutex_unlock(&notifier->lock);
}
