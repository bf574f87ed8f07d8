/* SPDX-License-Identifier: Apache-2.0 */
#include "source/rpc_failure.h"

enum {
    QUOTA_PAUSE_MS = 10 * 60 * 1000, /* a used-up plan does not come back in seconds */
    THROTTLE_PAUSE_MS = 1000,        /* of an endpoint that does not say how long */
};

struct scb_endpoint_wish scb_rpc_call_wish(const struct scb_rpc_call *call)
{
    bool failed = call->error.status != SCB_OK;
    return (struct scb_endpoint_wish){.only = call->endpoint,
                                      .avoid = call->avoid | call->refused,
                                      .failed = failed ? (int)call->answered_by : -1};
}

static bool another_endpoint(const struct scb_endpoints *endpoints, const struct scb_rpc_call *call)
{
    struct scb_endpoint_wish wish = scb_rpc_call_wish(call);
    wish.avoid |= UINT64_C(1) << call->answered_by;
    return call->endpoint == SCB_ANY_ENDPOINT && scb_endpoints_any_left(endpoints, &wish);
}

/* The endpoint will say the same again: another may know better. */
static enum scb_retry_cause refuse(const struct scb_endpoints *endpoints, struct scb_rpc_call *call)
{
    if (!another_endpoint(endpoints, call))
        return SCB_RETRY_NEVER;
    call->refused |= UINT64_C(1) << call->answered_by;
    return SCB_RETRY_ELSEWHERE;
}

/* What was cut or bent on the way comes whole another time: elsewhere at once, and once nobody else
 * is left, from all of them again. */
static enum scb_retry_cause ask_again(const struct scb_endpoints *endpoints,
                                      struct scb_rpc_call *call)
{
    if (!another_endpoint(endpoints, call)) {
        call->refused &= ~call->garbled;
        call->garbled = 0;
        return SCB_RETRY_TROUBLE;
    }
    call->garbled |= UINT64_C(1) << call->answered_by;
    return refuse(endpoints, call);
}

/* It will say the same to every call of this kind. */
static enum scb_retry_cause leave_out(struct scb_endpoints *endpoints, struct scb_rpc_call *call)
{
    struct scb_endpoint *endpoint = &endpoints->list[call->answered_by];
    if (!another_endpoint(endpoints, call))
        return SCB_RETRY_NEVER;
    if (!atomic_exchange(&endpoint->excluded, true))
        scb_endpoints_note(endpoints, endpoint, "is left out: it cannot serve this block or call");
    if (call->outcome == SCB_RPC_STATE_MISSING)
        atomic_store(&endpoint->pruned, true);
    return SCB_RETRY_ELSEWHERE;
}

static enum scb_retry_cause quota_is_gone(struct scb_endpoints *endpoints,
                                          const struct scb_rpc_call *call, int64_t now_ms)
{
    struct scb_endpoint *endpoint = &endpoints->list[call->answered_by];
    if (endpoint->breaker.state == SCB_BREAKER_CLOSED)
        scb_endpoints_note(endpoints, endpoint,
                           "says that its quota is used up; left alone for 10 minutes");
    scb_breaker_trip(&endpoint->breaker, now_ms, QUOTA_PAUSE_MS);
    return another_endpoint(endpoints, call) ? SCB_RETRY_ELSEWHERE : SCB_RETRY_NEVER;
}

/* The endpoint is left alone for so long; the call waits for it only where nobody else is left. */
static enum scb_retry_cause slow_down(struct scb_endpoints *endpoints,
                                      const struct scb_rpc_call *call, int64_t *retry_after_ms,
                                      int64_t now_ms)
{
    struct scb_rate_limit *limit = &endpoints->list[call->answered_by].limit;
    bool throttled = call->outcome == SCB_RPC_THROTTLED;
    if (!another_endpoint(endpoints, call)) {
        scb_rate_limit_pause(limit, now_ms + *retry_after_ms);
        return throttled ? SCB_RETRY_THROTTLED : SCB_RETRY_TROUBLE;
    }
    int64_t pause_ms = *retry_after_ms == 0 && throttled ? THROTTLE_PAUSE_MS : *retry_after_ms;
    scb_rate_limit_pause(limit, now_ms + pause_ms);
    *retry_after_ms = 0;
    return throttled ? SCB_RETRY_ELSEWHERE : SCB_RETRY_TROUBLE;
}

enum scb_retry_cause scb_rpc_failure_cause(struct scb_endpoints *endpoints,
                                           struct scb_rpc_call *call, int64_t *retry_after_ms,
                                           int64_t now_ms)
{
    if (call->outgrown)
        return SCB_RETRY_NEVER;
    if (call->error.status == SCB_ERROR_VALIDATION) /* no proper answer to this call */
        return call->error.permanent ? refuse(endpoints, call) : ask_again(endpoints, call);
    switch (call->outcome) {
    case SCB_RPC_OK: /* no answer came */
    case SCB_RPC_TROUBLE:
    case SCB_RPC_THROTTLED:
        return slow_down(endpoints, call, retry_after_ms, now_ms);
    case SCB_RPC_BLOCK_UNKNOWN:
        return call->block_may_be_missing ? SCB_RETRY_NEVER : SCB_RETRY_BEHIND;
    case SCB_RPC_QUOTA:
        return quota_is_gone(endpoints, call, now_ms);
    case SCB_RPC_FORBIDDEN:
    case SCB_RPC_STATE_MISSING:
    case SCB_RPC_METHOD_MISSING:
    case SCB_RPC_BAD_PARAMETER:
        return leave_out(endpoints, call);
    case SCB_RPC_TOO_HEAVY: /* a call of fixed size met a busy node */
        if (call->smallest)
            return refuse(endpoints, call);
        return call->can_shrink ? SCB_RETRY_NEVER : SCB_RETRY_TROUBLE;
    case SCB_RPC_REVERTED_EMPTY: /* which may be a page that is too heavy */
        return call->can_shrink ? SCB_RETRY_NEVER : refuse(endpoints, call);
    case SCB_RPC_REVERTED:
        return refuse(endpoints, call);
    }
    return SCB_RETRY_NEVER;
}

void scb_rpc_failure_nobody_left(const struct scb_endpoints *endpoints, struct scb_rpc_call *call)
{
    bool pruned = false;
    for (size_t i = 0; i < endpoints->count; i++)
        pruned |= (call->avoid >> i & 1) == 0 && atomic_load(&endpoints->list[i].pruned);
    if (pruned && call->refused == call->garbled)
        call->outcome = SCB_RPC_STATE_MISSING;
    if (call->error.status != SCB_OK) /* what its last attempt met */
        return;
    scb_error_set(&call->error, SCB_ERROR_CONTRACT, "no other endpoint is left that %s",
                  pruned ? "holds this block's state" : "can be asked");
    (void)scb_error_hint(&call->error, pruned ? "add an archive endpoint"
                                              : "the log says why the others were left out");
}

void scb_rpc_failure_hint(struct scb_rpc_call *call)
{
    if (call->error.hint[0] != '\0')
        return;
    const char *hint = "check contract.rpc_urls and that the node runs, or add an endpoint";
    if (call->outcome == SCB_RPC_THROTTLED)
        hint = "lower backup.smart_contract_rate_limit or add an endpoint";
    else if (call->outcome == SCB_RPC_QUOTA)
        hint = "the provider's plan is used up: raise it or add an endpoint";
    else if (call->outcome == SCB_RPC_FORBIDDEN)
        hint = "check the API key in contract.rpc_urls";
    (void)scb_error_hint(&call->error, "%s", hint);
}

void scb_rpc_failure_describe(const struct scb_endpoints *endpoints, struct scb_rpc_call *call,
                              enum scb_retry_cause cause)
{
    struct scb_error said = call->error;
    scb_error_set(&call->error, said.status, "%s from %s", said.message,
                  endpoints->list[call->answered_by].origin);
    if (cause != SCB_RETRY_NEVER && call->attempts > 1) {
        struct scb_error counted = call->error;
        scb_error_set(&call->error, counted.status, "%s after %d attempts", counted.message,
                      (int)call->attempts);
    }
    (void)scb_error_hint(&call->error, "%s", said.hint);
    call->error.retryable = cause != SCB_RETRY_NEVER && said.status != SCB_ERROR_VALIDATION;
    call->error.permanent = said.permanent;
    scb_rpc_failure_hint(call);
}

void scb_rpc_tell_breaker(struct scb_endpoints *endpoints, const struct scb_rpc_call *call,
                          enum scb_status status, int64_t now_ms)
{
    struct scb_endpoint *endpoint = &endpoints->list[call->answered_by];
    bool was_open = endpoint->breaker.state != SCB_BREAKER_CLOSED;
    if (status == SCB_ERROR_VALIDATION && !another_endpoint(endpoints, call)) {
        scb_breaker_forgot(&endpoint->breaker, now_ms); /* nobody else serves meanwhile */
        return;
    }
    if (status != SCB_OK && (call->outcome == SCB_RPC_OK || call->outcome == SCB_RPC_TROUBLE)) {
        if (scb_breaker_failed(&endpoint->breaker, now_ms) && !was_open)
            scb_endpoints_note(endpoints, endpoint, "keeps failing; left alone for a while");
    } else {
        scb_breaker_succeeded(&endpoint->breaker);
        if (was_open && endpoint->breaker.state == SCB_BREAKER_CLOSED)
            scb_endpoints_note(endpoints, endpoint, "answers again");
    }
}
