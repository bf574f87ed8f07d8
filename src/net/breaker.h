/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A circuit breaker: an endpoint that keeps failing is left alone for a while, then tried with one
 * request. Pure state and arithmetic; time is handed in.
 */
#ifndef SCB_NET_BREAKER_H
#define SCB_NET_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum scb_breaker_state { SCB_BREAKER_CLOSED, SCB_BREAKER_OPEN, SCB_BREAKER_HALF_OPEN };

struct scb_breaker {
    enum scb_breaker_state state;
    int64_t failures;    /* in a row */
    int64_t open_ms;     /* how long it stays open this time; doubles */
    int64_t retry_at_ms; /* when it becomes half-open */
};

/* {0} is a closed breaker. */

/* How many ms until a request may be sent; 0 = now. A half-open breaker lets one through at a time:
 * the others wait for its end (INT64_MAX). */
int64_t scb_breaker_wait(const struct scb_breaker *breaker, int64_t now_ms);

/* A request is sent now (scb_breaker_wait said 0). */
void scb_breaker_sent(struct scb_breaker *breaker, int64_t now_ms);

/* It was answered: the endpoint works, whatever the answer said. */
void scb_breaker_succeeded(struct scb_breaker *breaker);

/* It was not, or by the server's own trouble. True when this opened the breaker. */
bool scb_breaker_failed(struct scb_breaker *breaker, int64_t now_ms);

/* It ended without telling anything (cancelled): a half-open breaker may try again. */
void scb_breaker_forgot(struct scb_breaker *breaker, int64_t now_ms);

/* Opens it for so long: a used-up quota. */
void scb_breaker_trip(struct scb_breaker *breaker, int64_t now_ms, int64_t open_ms);

#endif
