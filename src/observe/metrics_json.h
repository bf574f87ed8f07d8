/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as JSON, for the command line and the API.
 */
#ifndef SCB_OBSERVE_METRICS_JSON_H
#define SCB_OBSERVE_METRICS_JSON_H

#include <jansson.h>

#include "base/json.h"
#include "observe/metrics.h"

/* {"metrics": [{"name", "type", "labels", "value"}, …]} of what is shown of these metrics. */
void scb_metrics_json(struct scb_json *json, const struct scb_metrics_snapshot *snapshot,
                      struct scb_metric_range range);
/* The way back. What this version does not know is left out; what is not there has not happened. */
void scb_metrics_json_read(const json_t *document, struct scb_metrics_snapshot *ret_snapshot);

#endif
