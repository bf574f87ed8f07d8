/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC calls to one or more endpoints of one chain, many at a time, on a thread of its own:
 * the only place where an external call is retried. What to do after a failure is net/retry's to
 * say; what to do about a page that is too heavy, or a block that is gone, is the caller's.
 *
 * One attempt: cancelled? - endpoint - rate limit - HTTP - what does the answer mean - record.
 */
#ifndef SCB_SOURCE_RPC_CLIENT_H
#define SCB_SOURCE_RPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/clock.h"
#include "base/thread.h"
#include "evm/rpc.h"
#include "net/http.h"
#include "net/retry.h"
#include "observe/metrics.h"
#include "scb/error.h"
#include "scb/source.h"
#include "source/endpoints.h"

/* Bytes of JSON: the longest is a transaction of 128 KiB, in hex. */
enum { SCB_MAX_RPC_PARAMS = 512 * 1024 };

struct scb_rpc_client_settings {
    const char *const *urls; /* NULL-terminated; copied */
    size_t max_in_flight;
    struct scb_retry_policy retry;
    int64_t rate_per_minute; /* and endpoint; 0 = no limit */
    int64_t timeout_ms;      /* of one request */
    const char *ca_file;     /* see scb_http_new; borrowed until scb_rpc_client_new returns */
    const struct scb_clock *clock;
    const struct scb_cancel *cancel; /* ends every call; may be NULL */
    /* Told, on the client's thread, what an operator should know of an endpoint. May be NULL. */
    void (*note)(void *state, const char *text);
    /* Told, on the client's thread, of each call that has come to its end. May be NULL. */
    void (*ended)(void *state);
    void *note_state;            /* of both */
    struct scb_metrics *metrics; /* may be NULL */
};

/* A call, its caller's until done is called. Zero what is not set. */
struct scb_rpc_call {
    const char *method;
    bool hex_result;           /* the result is a hex string, decoded into response.result */
    bool can_shrink;           /* its owner can ask for less where it is too heavy */
    bool smallest;             /* it did, and there is no less; set by prepare */
    bool block_may_be_missing; /* "unknown block" is an answer, not a lagging backend */
    int endpoint;              /* its number, or SCB_ANY_ENDPOINT */
    uint64_t avoid;            /* endpoints that will not do: bit n is endpoint n */
    uint64_t order;            /* of several waiting calls the lowest goes first */
    int64_t deadline_ms;       /* monotonic */
    size_t max_result;         /* bytes; set by prepare */
    void *owner;
    /*
     * Writes the parameters, JSON text and its NUL, for an attempt at that endpoint; called on the
     * client's thread before every attempt. False: not now; asked again after the next
     * scb_rpc_client_wake.
     */
    bool (*prepare)(struct scb_rpc_call *call, size_t endpoint, struct scb_buffer *params);
    /*
     * Looks at a successful answer before it counts as one (may be NULL): a failure set in
     * call->error with another outcome is handled like one of the node's own.
     */
    enum scb_rpc_outcome (*judge)(struct scb_rpc_call *call);
    /* The end, on the client's thread. May submit the call (again). */
    void (*done)(struct scb_rpc_call *call);

    /* The answer: */
    enum scb_status status;
    struct scb_error error;
    /* Of the last attempt; SCB_RPC_OK with a status: no answer. SCB_RPC_STATE_MISSING also where
     * nobody was left to ask for want of the state. */
    enum scb_rpc_outcome outcome;
    bool outgrown;      /* the result passed max_result */
    size_t answered_by; /* the last attempt's endpoint */
    struct scb_rpc_response response;
    json_t *result; /* owned; where not hex_result */

    /* The client's own: */
    struct scb_rpc_client *client;
    struct scb_rpc_call *next;
    struct scb_http_request http;
    struct scb_buffer request;
    int64_t attempts, throttled;
    uint64_t refused; /* endpoints that have said what will not change */
    uint64_t garbled; /* those of them whose answers made no sense: that may change */
    uint64_t epoch;   /* of its submission: a cancel ends what was submitted before it */
    int64_t not_before_ms;
    int64_t sent_ms; /* when the last attempt was */
    bool feed_failed;
};

struct scb_rpc_client;

SCB_MUST_CHECK enum scb_status scb_rpc_client_new(const struct scb_rpc_client_settings *settings,
                                                  struct scb_rpc_client **ret_client,
                                                  struct scb_error *error);
/* Every call must be done. */
void scb_rpc_client_free(struct scb_rpc_client *client);

size_t scb_rpc_client_endpoints(const struct scb_rpc_client *client);
/* "https://rpc.example.org", without credentials, path and query. Borrowed. */
const char *scb_rpc_client_origin(const struct scb_rpc_client *client, size_t endpoint);
/* Every endpoint may be asked again. */
void scb_rpc_client_include_all(struct scb_rpc_client *client);
/* This endpoint is not asked again. */
void scb_rpc_client_exclude(struct scb_rpc_client *client, size_t endpoint);
bool scb_rpc_client_excluded(const struct scb_rpc_client *client, size_t endpoint);

/* Starts a call; never waits. From any thread. */
void scb_rpc_client_submit(struct scb_rpc_client *client, struct scb_rpc_call *call);
/* The same for a call that is done but goes on, in another size: a cancel since its first
 * submission ends it. */
void scb_rpc_client_submit_again(struct scb_rpc_client *client, struct scb_rpc_call *call);
/* Calls that prepare held back are asked again. From any thread. */
void scb_rpc_client_wake(struct scb_rpc_client *client);
/* Ends every call submitted so far with Canceled. From any thread. */
void scb_rpc_client_cancel(struct scb_rpc_client *client);

/* Frees what an answer holds; the call can be used again. */
void scb_rpc_call_free(struct scb_rpc_call *call);

/* A deadline, from now, that leaves room for every attempt. */
int64_t scb_rpc_client_patience(const struct scb_rpc_client *client);

/*
 * A call whose parameters are params, waited for. *call has the answer (scb_rpc_call_free it,
 * also after a failure) and, as inputs, hex_result, endpoint and max_result.
 */
SCB_MUST_CHECK enum scb_status scb_rpc_client_call(struct scb_rpc_client *client,
                                                   struct scb_rpc_call *call, const char *method,
                                                   const char *params, struct scb_error *error);

/* calls, failed_calls, retries, in_flight and delayed; the rest is left alone. */
void scb_rpc_client_counters(struct scb_rpc_client *client,
                             struct scb_source_counters *ret_counters);

#endif
