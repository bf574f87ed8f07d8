/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoints that a client may ask, and which of them is the best to ask next. Sends nothing
 * itself. All but scb_endpoint's atomics belongs to the client's thread.
 */
#ifndef SCB_SOURCE_ENDPOINTS_H
#define SCB_SOURCE_ENDPOINTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/breaker.h"
#include "net/rate_limit.h"
#include "scb/error.h"
#include "scb/source.h"

enum { SCB_ANY_ENDPOINT = SCB_SOURCE_ANY, SCB_MAX_ENDPOINTS = 64 };

struct scb_endpoint {
    char *url; /* a secret: API keys live in it */
    char origin[256];
    struct scb_rate_limit limit;
    struct scb_breaker breaker;
    size_t in_flight;
    atomic_bool excluded; /* not to be asked until all are included again */
    atomic_bool pruned;   /* since it no longer holds the state that is read */
};

struct scb_endpoints {
    struct scb_endpoint *list;
    size_t count;
    /* Told what an operator should know of an endpoint. May be NULL. */
    void (*note)(void *state, const char *text);
    void *note_state;
};

/* Which endpoint will do for an attempt. */
struct scb_endpoint_wish {
    int only;       /* this one, breaker or not; SCB_ANY_ENDPOINT */
    uint64_t avoid; /* not these: bit n is endpoint n */
    int failed;     /* the one that has just failed, so that another is better; -1 */
};

/* urls is NULL-terminated, at most SCB_MAX_ENDPOINTS, and copied. */
SCB_MUST_CHECK enum scb_status scb_endpoints_init(struct scb_endpoints *endpoints,
                                                  const char *const *urls, int64_t rate_per_minute,
                                                  struct scb_error *error);
/* Wipes the URLs. */
void scb_endpoints_free(struct scb_endpoints *endpoints);

void scb_endpoints_note(const struct scb_endpoints *endpoints, const struct scb_endpoint *endpoint,
                        const char *what);

/* Whether one is left that may ever do. */
bool scb_endpoints_any_left(const struct scb_endpoints *endpoints,
                            const struct scb_endpoint_wish *wish);

/*
 * The best endpoint that may be asked now: not the one that failed, then the least busy one. Or -1:
 * then *ret_wait_ms is lowered to the ms until one may be asked.
 */
int scb_endpoints_choose(const struct scb_endpoints *endpoints,
                         const struct scb_endpoint_wish *wish, int64_t now_ms,
                         int64_t *ret_wait_ms);

#endif
