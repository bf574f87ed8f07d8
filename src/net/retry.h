/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that decides about retries: pure arithmetic over what happened and when. It waits
 * for nothing and calls nobody; the I/O loop owns the timers (SPEC 9).
 */
#ifndef SCB_NET_RETRY_H
#define SCB_NET_RETRY_H

#include <stdbool.h>
#include <stdint.h>

/* Why a call did not succeed, as far as retrying it goes. */
enum scb_retry_cause {
    SCB_RETRY_TROUBLE,   /* the server's or the network's own */
    SCB_RETRY_THROTTLED, /* told to slow down: costs time, not attempts */
    SCB_RETRY_ELSEWHERE, /* it will say the same again, another may not: at once, no attempt counts
                          */
    SCB_RETRY_BEHIND,    /* a backend that does not know the block yet */
    SCB_RETRY_NEVER,     /* would fail the same again */
};

struct scb_retry_policy {
    int64_t attempts;     /* in all, the first one included */
    int64_t delay_ms;     /* the first delay's upper bound; doubles */
    int64_t max_delay_ms; /* where doubling ends */
};

struct scb_retry_decision {
    bool again;
    int64_t not_before_ms; /* on the same clock as now_ms */
};

/*
 * What to do after attempt (1 for the first) failed at now_ms for cause. Delays are drawn evenly
 * from 0 to the exponential bound ("full jitter") with random, 32 random bits; a server's
 * retry_after_ms (0 = none) is a floor under them. Nothing starts after deadline_ms.
 */
struct scb_retry_decision scb_retry_decide(const struct scb_retry_policy *policy,
                                           enum scb_retry_cause cause, int64_t attempt,
                                           int64_t now_ms, int64_t deadline_ms,
                                           int64_t retry_after_ms, uint32_t random);

#endif
