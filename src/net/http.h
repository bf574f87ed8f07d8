/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many HTTP requests under way on one thread, over kept-alive connections: libcurl's multi
 * interface with its own retries and redirects off. https:// certificates are checked, always; a
 * proxy is the environment's (http_proxy, https_proxy, no_proxy), as everywhere. Knows nothing of
 * JSON-RPC, never retries. Everything but scb_http_wake belongs to one thread.
 */
#ifndef SCB_NET_HTTP_H
#define SCB_NET_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"

struct scb_http;
struct scb_http_request;

/* How a request ended. */
struct scb_http_result {
    bool answered;          /* a whole HTTP response came; else failure says why not */
    bool refused_by_caller; /* take_body returned false */
    long status;            /* HTTP status; 0 where none came */
    int64_t retry_after_ms; /* from Retry-After; 0 where not said */
    char failure[160];      /* libcurl's words; no URL in them */
};

/* The caller's; it stays where it is until finished is called. */
struct scb_http_request {
    const char *url;
    const void *body; /* JSON; NULL: a GET */
    size_t body_size;
    const char *header; /* one more, "Name: value"; NULL: none */
    int64_t timeout_ms; /* of the whole request */
    /* Takes the next bytes of the response's body, inflated; false ends the request. */
    bool (*take_body)(struct scb_http_request *request, const void *data, size_t size);
    /* The end, also after scb_http_abort. May start other requests. */
    void (*finished)(struct scb_http_request *request, const struct scb_http_result *result);
    /* http.c's own: */
    void *easy;
    void *headers;
    size_t header_bytes;
};

/*
 * max_requests bounds what is under way; connections are kept for as many. ca_file (PEM) is what
 * certificates are checked against, NULL or "" for the system's; ValidationError where it cannot be
 * read.
 */
SCB_MUST_CHECK enum scb_status scb_http_new(size_t max_requests, const char *ca_file,
                                            struct scb_http **ret_http, struct scb_error *error);
/* Every request goes to the Unix socket at path (up to 107 bytes) and through no proxy, whatever
 * its URL's host. Before the first one; ResourceError. */
SCB_MUST_CHECK enum scb_status scb_http_use_socket(struct scb_http *http, const char *path,
                                                   struct scb_error *error);
/* Nothing may be under way. */
void scb_http_free(struct scb_http *http);

/* Starts a request; on failure finished is not called. */
SCB_MUST_CHECK enum scb_status
scb_http_start(struct scb_http *http, struct scb_http_request *request, struct scb_error *error);
/* Ends a request that is under way: finished is called, unanswered. */
void scb_http_abort(struct scb_http *http, struct scb_http_request *request);

/* Moves everything on, waiting up to timeout_ms for something to happen, the descriptor watch_fd
 * (-1: none) becoming readable included. ResourceError: it will serve nothing any more; what is
 * under way is still to be aborted. */
SCB_MUST_CHECK enum scb_status scb_http_run(struct scb_http *http, int64_t timeout_ms, int watch_fd,
                                            struct scb_error *error);
/* Ends the wait of scb_http_run; from any thread. */
void scb_http_wake(struct scb_http *http);

#endif
