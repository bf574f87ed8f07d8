/* SPDX-License-Identifier: Apache-2.0 */
#include "net/breaker.h"

enum {
    FAILURES_TO_OPEN = 5,
    FIRST_OPEN_MS = 1000,
    LONGEST_OPEN_MS = 60000,
};

int64_t scb_breaker_wait(const struct scb_breaker *breaker, int64_t now_ms)
{
    if (breaker->state == SCB_BREAKER_CLOSED)
        return 0;
    if (breaker->state == SCB_BREAKER_HALF_OPEN)
        return INT64_MAX;
    return breaker->retry_at_ms > now_ms ? breaker->retry_at_ms - now_ms : 0;
}

void scb_breaker_sent(struct scb_breaker *breaker, int64_t now_ms)
{
    if (breaker->state == SCB_BREAKER_OPEN && breaker->retry_at_ms <= now_ms)
        breaker->state = SCB_BREAKER_HALF_OPEN;
}

void scb_breaker_succeeded(struct scb_breaker *breaker)
{
    if (breaker->state != SCB_BREAKER_OPEN) /* else it was sent before that: no probe yet */
        *breaker = (struct scb_breaker){0};
}

bool scb_breaker_failed(struct scb_breaker *breaker, int64_t now_ms)
{
    breaker->failures++;
    if (breaker->state == SCB_BREAKER_OPEN) /* sent before it opened */
        return false;
    if (breaker->state == SCB_BREAKER_CLOSED && breaker->failures < FAILURES_TO_OPEN)
        return false;
    int64_t open_ms = breaker->open_ms == 0 ? FIRST_OPEN_MS : breaker->open_ms * 2;
    scb_breaker_trip(breaker, now_ms, open_ms < LONGEST_OPEN_MS ? open_ms : LONGEST_OPEN_MS);
    return true;
}

void scb_breaker_forgot(struct scb_breaker *breaker, int64_t now_ms)
{
    if (breaker->state == SCB_BREAKER_HALF_OPEN) {
        breaker->state = SCB_BREAKER_OPEN;
        breaker->retry_at_ms = now_ms;
    }
}

void scb_breaker_trip(struct scb_breaker *breaker, int64_t now_ms, int64_t open_ms)
{
    breaker->state = SCB_BREAKER_OPEN;
    breaker->open_ms = open_ms;
    breaker->retry_at_ms = now_ms + open_ms;
}
