/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service is asked to do now, instead of at its time: a short queue from those who ask, on
 * any thread, to the loop, which does one thing after the other; and what came of the last ones.
 */
#ifndef SCB_SERVICE_REQUESTS_H
#define SCB_SERVICE_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/thread.h"
#include "scb/error.h"
#include "scb/maintenance.h"
#include "scb/verify.h"

enum {
    SCB_REQUESTS_MAX_WAITING = 16,
    SCB_REQUESTS_KEPT = 64, /* of which the outcome can be asked */
    SCB_REQUEST_RESULT_SIZE = 512,
};

enum scb_request_kind {
    SCB_REQUEST_RUN,
    SCB_REQUEST_RETRY,
    SCB_REQUEST_VERIFY,
    SCB_REQUEST_CLEANUP,
};

enum scb_request_state {
    SCB_REQUEST_WAITING,
    SCB_REQUEST_RUNNING,
    SCB_REQUEST_DONE,
    SCB_REQUEST_FAILED,
};

/* "run", …; "waiting", … */
const char *scb_request_kind_name(enum scb_request_kind kind);
const char *scb_request_state_name(enum scb_request_state state);

/* How a backup was made. */
struct scb_request_made {
    bool already_done, resumed;
    uint64_t reused_pages, repins;
    int64_t duration_ms;
};

struct scb_request {
    /* What is asked for: */
    enum scb_request_kind kind;
    char backup_date[SCB_BACKUP_DATE_SIZE]; /* "": the present slot's; not known yet */
    bool force;                             /* of a run */
    bool against_chain;                     /* of a verification */
    struct scb_cleanup_options cleanup;
    /* Called once, on whichever thread ends it, with what came of it; may be NULL. */
    void (*ended)(void *state, enum scb_status status);
    void *ended_state;

    /* What came of it: */
    uint64_t id;
    enum scb_request_state state;
    int64_t created_at_ms, started_at_ms, ended_at_ms; /* -1: not yet */
    char result[SCB_REQUEST_RESULT_SIZE];              /* one line for people, where it is done */
    struct scb_error error;                            /* where it failed */
    struct scb_request_made made;                      /* of a run or retry that is done */
    struct scb_verify_result verified;                 /* of a verification; "" as its date: none */
};

struct scb_requests;

SCB_MUST_CHECK enum scb_status scb_requests_new(struct scb_requests **ret_requests,
                                                struct scb_error *error);
/* Those that wait are ended as Canceled. */
void scb_requests_free(struct scb_requests *requests);

/*
 * Queues a request; ret_request (may be the same) is as it stands then. BusyError where one like it
 * waits or runs: a backup (run or retry) where any does, a verification where one of that date
 * does. ResourceError where too many wait. `ended` is only called for what was queued.
 */
SCB_MUST_CHECK enum scb_status scb_requests_post(struct scb_requests *requests,
                                                 const struct scb_request *request,
                                                 struct scb_request *ret_request,
                                                 struct scb_error *error);
/* One of the last ones; NotFoundError. */
SCB_MUST_CHECK enum scb_status scb_requests_get(struct scb_requests *requests, uint64_t id,
                                                struct scb_request *ret_request,
                                                struct scb_error *error);
/* The id of the newest one, 0 where there was none; ids go up by one. */
uint64_t scb_requests_newest(struct scb_requests *requests);

/* The loop's side: sleeps until one waits, a token (other may be NULL) is requested or ms are
 * over. */
void scb_requests_wait(struct scb_requests *requests, const struct scb_cancel *cancel,
                       const struct scb_cancel *other, int64_t ms);
/* Takes the oldest one that waits; false where none does. It runs from now on. */
bool scb_requests_take(struct scb_requests *requests, struct scb_request *ret_request);
/* It is over: request has its result or, where status is not SCB_OK, its error. */
void scb_requests_end(struct scb_requests *requests, const struct scb_request *request,
                      enum scb_status status);

#endif
