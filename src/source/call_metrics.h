/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a call is counted. All of it on the client's thread; metrics may be NULL.
 */
#ifndef SCB_SOURCE_CALL_METRICS_H
#define SCB_SOURCE_CALL_METRICS_H

#include "observe/metrics.h"
#include "source/endpoints.h"
#include "source/rpc_client.h"

/* These endpoints are the ones that are asked from now on. */
void scb_call_metrics_begin(struct scb_metrics *metrics, const struct scb_endpoints *endpoints);
/* An attempt has ended; duration_ms is negative where it was ended from here. */
void scb_call_metrics_ended(struct scb_metrics *metrics, const struct scb_rpc_call *call,
                            enum scb_status status, int64_t duration_ms);
/* A call is done: counted where it failed, and its owner does not simply ask for less. */
void scb_call_metrics_given_up(struct scb_metrics *metrics, const struct scb_rpc_call *call);
/* Something has happened to this endpoint's breaker, perhaps. */
void scb_call_metrics_breaker(struct scb_metrics *metrics, const struct scb_endpoints *endpoints,
                              size_t endpoint);

#endif
