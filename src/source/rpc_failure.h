/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a failed attempt means: for its call, for its endpoint, for the person who reads of it. The
 * decision what to do then is net/retry's.
 */
#ifndef SCB_SOURCE_RPC_FAILURE_H
#define SCB_SOURCE_RPC_FAILURE_H

#include <stdint.h>

#include "net/retry.h"
#include "source/endpoints.h"
#include "source/rpc_client.h"

/* Which endpoints will do for the call's next attempt. */
struct scb_endpoint_wish scb_rpc_call_wish(const struct scb_rpc_call *call);

/*
 * Why the attempt failed, as far as retrying goes; records what that says of the endpoint (limit,
 * breaker, exclusion) and, in call->refused, of what it will answer to this call. Permanent means
 * on every endpoint.
 */
enum scb_retry_cause scb_rpc_failure_cause(struct scb_endpoints *endpoints,
                                           struct scb_rpc_call *call, int64_t *retry_after_ms,
                                           int64_t now_ms);

/* Makes call->error the last word on the call: who said it, after how many attempts, what to do. */
void scb_rpc_failure_describe(const struct scb_endpoints *endpoints, struct scb_rpc_call *call,
                              enum scb_retry_cause cause);
/*
 * The call's end where every endpoint that it may ask has been left out; for want of the block's
 * state its outcome is SCB_RPC_STATE_MISSING, unless one has said what will not change.
 */
void scb_rpc_failure_nobody_left(const struct scb_endpoints *endpoints, struct scb_rpc_call *call);
/* What to do, where call->error does not say. */
void scb_rpc_failure_hint(struct scb_rpc_call *call);

/* An answer of any kind means that the endpoint works, one that makes no sense that another should
 * be asked. */
void scb_rpc_tell_breaker(struct scb_endpoints *endpoints, const struct scb_rpc_call *call,
                          enum scb_status status, int64_t now_ms);

#endif
