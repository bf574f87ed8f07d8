/* SPDX-License-Identifier: Apache-2.0 */
#include "net/retry.h"

/* A lagging backend catches up with the next block, whatever the retry settings say. */
enum { BLOCK_TIME_MS = 2000 };

static int64_t backoff_bound(const struct scb_retry_policy *policy, int64_t attempt)
{
    int64_t bound = policy->delay_ms;
    for (int64_t i = 1; i < attempt && bound < policy->max_delay_ms; i++)
        bound *= 2;
    return bound < policy->max_delay_ms ? bound : policy->max_delay_ms;
}

struct scb_retry_decision scb_retry_decide(const struct scb_retry_policy *policy,
                                           enum scb_retry_cause cause, int64_t attempt,
                                           int64_t now_ms, int64_t deadline_ms,
                                           int64_t retry_after_ms, uint32_t random)
{
    struct scb_retry_decision decision = {0};
    if (cause == SCB_RETRY_ELSEWHERE)
        return (struct scb_retry_decision){.again = now_ms < deadline_ms, .not_before_ms = now_ms};
    if (cause == SCB_RETRY_NEVER || (cause != SCB_RETRY_THROTTLED && attempt >= policy->attempts))
        return decision;
    int64_t bound = backoff_bound(policy, attempt);
    if (cause == SCB_RETRY_BEHIND && bound < BLOCK_TIME_MS)
        bound = BLOCK_TIME_MS;
    int64_t delay = (int64_t)(((uint64_t)bound * random) >> 32);
    if (delay < retry_after_ms)
        delay = retry_after_ms;
    decision.not_before_ms = now_ms + delay;
    decision.again = decision.not_before_ms < deadline_ms;
    return decision;
}
