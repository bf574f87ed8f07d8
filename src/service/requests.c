/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: a ring of the last requests, found by their id modulo its size. Those that wait or run
 * are at most SCB_REQUESTS_MAX_WAITING + 1 and the newest, so a new one never takes their place.
 */
#include "service/requests.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/memory.h"

struct scb_requests {
    pthread_mutex_t lock;
    struct scb_request ring[SCB_REQUESTS_KEPT];
    uint64_t newest; /* id */
    uint64_t taken;  /* id of the last one that was taken; those after it wait */
    int wake_fd;     /* readable while one may wait */
};

static int64_t now_ms(void)
{
    return scb_clock_real_ms(scb_clock_system());
}

const char *scb_request_kind_name(enum scb_request_kind kind)
{
    static const char *const names[] = {[SCB_REQUEST_RUN] = "run",
                                        [SCB_REQUEST_RETRY] = "retry",
                                        [SCB_REQUEST_VERIFY] = "verify",
                                        [SCB_REQUEST_CLEANUP] = "cleanup"};
    return names[kind];
}

const char *scb_request_state_name(enum scb_request_state state)
{
    static const char *const names[] = {[SCB_REQUEST_WAITING] = "waiting",
                                        [SCB_REQUEST_RUNNING] = "running",
                                        [SCB_REQUEST_DONE] = "done",
                                        [SCB_REQUEST_FAILED] = "failed"};
    return names[state];
}

enum scb_status scb_requests_new(struct scb_requests **ret_requests, struct scb_error *error)
{
    struct scb_requests *requests = scb_alloc(1, sizeof(*requests), error);
    if (requests == NULL)
        return SCB_ERROR_RESOURCE;
    requests->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (requests->wake_fd < 0) {
        free(requests);
        return scb_error_set_errno(error, SCB_ERROR_RESOURCE, errno, "eventfd");
    }
    pthread_mutex_init(&requests->lock, NULL);
    *ret_requests = requests;
    return SCB_OK;
}

void scb_requests_free(struct scb_requests *requests)
{
    if (requests == NULL)
        return;
    struct scb_request request;
    while (scb_requests_take(requests, &request)) {
        scb_error_set(&request.error, SCB_ERROR_CANCELED, "the service ended before its turn");
        scb_requests_end(requests, &request, SCB_ERROR_CANCELED);
    }
    (void)close(requests->wake_fd);
    pthread_mutex_destroy(&requests->lock);
    free(requests);
}

static struct scb_request *at(struct scb_requests *requests, uint64_t id)
{
    return &requests->ring[id % SCB_REQUESTS_KEPT];
}

static bool is_backup(const struct scb_request *request)
{
    return request->kind == SCB_REQUEST_RUN || request->kind == SCB_REQUEST_RETRY;
}

static bool is_like(const struct scb_request *one, const struct scb_request *other)
{
    if (is_backup(one) || is_backup(other))
        return is_backup(one) && is_backup(other);
    return one->kind == other->kind && strcmp(one->backup_date, other->backup_date) == 0;
}

static enum scb_status check_room(struct scb_requests *requests, const struct scb_request *request,
                                  struct scb_error *error)
{
    uint64_t oldest_open = requests->taken;
    if (oldest_open > 0 && at(requests, oldest_open)->state != SCB_REQUEST_RUNNING)
        oldest_open++;
    for (uint64_t id = oldest_open > 0 ? oldest_open : 1; id <= requests->newest; id++) {
        const struct scb_request *open = at(requests, id);
        if (!is_like(open, request))
            continue;
        scb_error_set(error, SCB_ERROR_BUSY, "operation %" PRIu64 " (%s) %s already", id,
                      scb_request_kind_name(open->kind),
                      open->state == SCB_REQUEST_RUNNING ? "runs" : "waits");
        error->retryable = true;
        return scb_error_hint(error, "GET /api/v1/operations/%" PRIu64 " shows it", id);
    }
    if (requests->newest - requests->taken < SCB_REQUESTS_MAX_WAITING)
        return SCB_OK;
    scb_error_set(error, SCB_ERROR_RESOURCE, "%d operations wait already",
                  SCB_REQUESTS_MAX_WAITING);
    error->retryable = true;
    return error->status;
}

enum scb_status scb_requests_post(struct scb_requests *requests, const struct scb_request *request,
                                  struct scb_request *ret_request, struct scb_error *error)
{
    pthread_mutex_lock(&requests->lock);
    enum scb_status status = check_room(requests, request, error);
    if (status == SCB_OK) {
        struct scb_request queued = *request;
        queued.id = ++requests->newest;
        queued.state = SCB_REQUEST_WAITING;
        queued.created_at_ms = now_ms();
        queued.started_at_ms = queued.ended_at_ms = -1;
        *at(requests, queued.id) = queued;
        *ret_request = queued;
    }
    pthread_mutex_unlock(&requests->lock);
    if (status == SCB_OK)
        (void)eventfd_write(requests->wake_fd, 1);
    return status;
}

enum scb_status scb_requests_get(struct scb_requests *requests, uint64_t id,
                                 struct scb_request *ret_request, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    pthread_mutex_lock(&requests->lock);
    if (id == 0 || id > requests->newest || at(requests, id)->id != id)
        status = scb_error_set(error, SCB_ERROR_NOT_FOUND, "no operation %" PRIu64, id);
    else
        *ret_request = *at(requests, id);
    pthread_mutex_unlock(&requests->lock);
    return status;
}

uint64_t scb_requests_newest(struct scb_requests *requests)
{
    pthread_mutex_lock(&requests->lock);
    uint64_t newest = requests->newest;
    pthread_mutex_unlock(&requests->lock);
    return newest;
}

void scb_requests_wait(struct scb_requests *requests, const struct scb_cancel *cancel,
                       const struct scb_cancel *other, int64_t ms)
{
    struct pollfd fds[] = {{.fd = requests->wake_fd, .events = POLLIN},
                           {.fd = scb_cancel_fd(cancel), .events = POLLIN},
                           {.fd = scb_cancel_fd(other), .events = POLLIN}};
    (void)poll(fds, SCB_LENGTH(fds), (int)(ms < 0 ? 0 : ms < INT32_MAX ? ms : INT32_MAX));
}

bool scb_requests_take(struct scb_requests *requests, struct scb_request *ret_request)
{
    eventfd_t count;
    pthread_mutex_lock(&requests->lock);
    bool waits = requests->taken < requests->newest;
    if (waits) {
        struct scb_request *request = at(requests, ++requests->taken);
        request->state = SCB_REQUEST_RUNNING;
        request->started_at_ms = now_ms();
        *ret_request = *request;
    } else {
        (void)eventfd_read(requests->wake_fd, &count);
    }
    pthread_mutex_unlock(&requests->lock);
    return waits;
}

void scb_requests_end(struct scb_requests *requests, const struct scb_request *request,
                      enum scb_status status)
{
    pthread_mutex_lock(&requests->lock);
    struct scb_request *kept = at(requests, request->id);
    assert(kept->id == request->id && kept->state == SCB_REQUEST_RUNNING);
    memcpy(kept->backup_date, request->backup_date, sizeof(kept->backup_date));
    memcpy(kept->result, request->result, sizeof(kept->result));
    kept->made = request->made;
    kept->verified = request->verified;
    if (status != SCB_OK)
        kept->error = request->error;
    kept->state = status == SCB_OK ? SCB_REQUEST_DONE : SCB_REQUEST_FAILED;
    kept->ended_at_ms = now_ms();
    pthread_mutex_unlock(&requests->lock);
    if (request->ended != NULL)
        request->ended(request->ended_state, status);
}
