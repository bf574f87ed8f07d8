/* SPDX-License-Identifier: Apache-2.0 */
#include "source/call_metrics.h"

void scb_call_metrics_begin(struct scb_metrics *metrics, const struct scb_endpoints *endpoints)
{
    const char *origins[SCB_MAX_ENDPOINTS];
    for (size_t i = 0; i < endpoints->count; i++)
        origins[i] = endpoints->list[i].origin;
    scb_metrics_name_endpoints(metrics, origins, endpoints->count);
}

static enum scb_call_result result_of(const struct scb_rpc_call *call, enum scb_status status)
{
    static const enum scb_call_result results[] = {
        [SCB_RPC_OK] = SCB_CALL_NO_ANSWER, /* with a status that is not */
        [SCB_RPC_THROTTLED] = SCB_CALL_THROTTLED,
        [SCB_RPC_QUOTA] = SCB_CALL_QUOTA,
        [SCB_RPC_TOO_HEAVY] = SCB_CALL_TOO_HEAVY,
        [SCB_RPC_BLOCK_UNKNOWN] = SCB_CALL_BLOCK_UNKNOWN,
        [SCB_RPC_STATE_MISSING] = SCB_CALL_STATE_MISSING,
        [SCB_RPC_REVERTED] = SCB_CALL_REVERTED,
        [SCB_RPC_REVERTED_EMPTY] = SCB_CALL_REVERTED,
        [SCB_RPC_METHOD_MISSING] = SCB_CALL_METHOD_MISSING,
        [SCB_RPC_BAD_PARAMETER] = SCB_CALL_BAD_PARAMETER,
        [SCB_RPC_FORBIDDEN] = SCB_CALL_FORBIDDEN,
        [SCB_RPC_TROUBLE] = SCB_CALL_TROUBLE,
    };
    if (status == SCB_OK)
        return SCB_CALL_OK;
    if (call->outgrown)
        return SCB_CALL_OUTGROWN;
    if (call->feed_failed) /* there was an answer, but what it was */
        return SCB_CALL_TROUBLE;
    return results[call->outcome];
}

void scb_call_metrics_ended(struct scb_metrics *metrics, const struct scb_rpc_call *call,
                            enum scb_status status, int64_t duration_ms)
{
    if (duration_ms < 0)
        scb_metrics_call(metrics, call->method, SCB_CALL_CANCELED, 0);
    else
        scb_metrics_call(metrics, call->method, result_of(call, status), duration_ms);
}

/* What its owner answers by asking for less, or with more room. */
static bool is_of_size(const struct scb_rpc_call *call)
{
    bool heavy = call->outcome == SCB_RPC_TOO_HEAVY || call->outcome == SCB_RPC_REVERTED_EMPTY;
    return call->outgrown || (call->can_shrink && heavy);
}

void scb_call_metrics_given_up(struct scb_metrics *metrics, const struct scb_rpc_call *call)
{
    bool answer = call->block_may_be_missing && call->outcome == SCB_RPC_BLOCK_UNKNOWN;
    if (metrics == NULL || call->status == SCB_OK || call->status == SCB_ERROR_CANCELED)
        return;
    if (!answer && !is_of_size(call))
        scb_metrics_call_failed(metrics, call->status);
}

void scb_call_metrics_breaker(struct scb_metrics *metrics, const struct scb_endpoints *endpoints,
                              size_t endpoint)
{
    static const uint64_t states[] = {
        [SCB_BREAKER_CLOSED] = 0, [SCB_BREAKER_HALF_OPEN] = 1, [SCB_BREAKER_OPEN] = 2};
    if (metrics != NULL)
        scb_metrics_set_breaker(metrics, endpoint, states[endpoints->list[endpoint].breaker.state]);
}
