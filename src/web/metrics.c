/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The routes that show what was counted: for Prometheus, as JSON, and the endpoints' breakers.
 */
#include "service/metrics.h"
#include "observe/metrics_json.h"
#include "observe/metrics_text.h"
#include "web/call.h"

enum scb_status scb_web_metrics(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_metrics_snapshot snapshot;
    scb_service_metrics(call->desk->service, &snapshot);
    call->is_text = true;
    call->reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
    return scb_metrics_prometheus(&snapshot, scb_metrics_all, &call->reply->body, error);
}

enum scb_status scb_web_metrics_json(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_metrics_snapshot snapshot;
    (void)error;
    scb_service_metrics(call->desk->service, &snapshot);
    scb_metrics_json(&call->json, &snapshot, scb_metrics_all);
    return SCB_OK;
}

enum scb_status scb_web_resource_usage(struct scb_web_call *call, struct scb_error *error)
{
    struct scb_metrics_snapshot snapshot;
    (void)error;
    scb_service_metrics(call->desk->service, &snapshot);
    scb_metrics_json(&call->json, &snapshot, scb_metrics_of_resources);
    return SCB_OK;
}

enum scb_status scb_web_endpoints(struct scb_web_call *call, struct scb_error *error)
{
    static const char *const states[] = {"closed", "half_open", "open"};
    struct scb_metrics_snapshot snapshot;
    (void)error;
    scb_service_metrics(call->desk->service, &snapshot);
    const uint64_t *cells = &snapshot.cells[SCB_CELL_BREAKER];
    scb_json_open_object(&call->json, NULL);
    scb_json_open_array(&call->json, "endpoints");
    for (size_t i = 0; i < snapshot.endpoint_count; i++) {
        scb_json_open_object(&call->json, NULL);
        scb_json_text(&call->json, "endpoint", snapshot.endpoints[i]);
        scb_json_text(&call->json, "breaker", states[cells[i] > 2 ? 2 : cells[i]]);
        scb_json_close_object(&call->json);
    }
    scb_json_close_array(&call->json);
    scb_json_close_object(&call->json);
    return SCB_OK;
}
