/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics as text: for Prometheus, and for the documentation.
 */
#ifndef SCB_OBSERVE_METRICS_TEXT_H
#define SCB_OBSERVE_METRICS_TEXT_H

#include "base/buffer.h"
#include "observe/metrics.h"

enum { SCB_METRIC_VALUE_SIZE = 32 };

/* "counter", "gauge", "histogram". */
const char *scb_metric_kind_name(enum scb_metric_kind kind);
/* A value of that unit as a decimal number: "12", "0.25". */
void scb_metric_format(enum scb_metric_unit unit, uint64_t value,
                       char ret_text[SCB_METRIC_VALUE_SIZE]);
/* A bucket's upper bound, in seconds: "0.005", "+Inf". */
void scb_metric_format_bucket(size_t bucket, char ret_text[SCB_METRIC_VALUE_SIZE]);
/* Appends {method="eth_call",result="ok"}; nothing where there are no labels. */
SCB_MUST_CHECK enum scb_status scb_metric_append_labels(struct scb_buffer *out,
                                                        const struct scb_metrics_snapshot *snapshot,
                                                        enum scb_metric metric, size_t series,
                                                        struct scb_error *error);

/* Appends what is shown of these metrics in Prometheus's text format, version 0.0.4. */
SCB_MUST_CHECK enum scb_status scb_metrics_prometheus(const struct scb_metrics_snapshot *snapshot,
                                                      struct scb_metric_range range,
                                                      struct scb_buffer *out,
                                                      struct scb_error *error);

/* Appends the table of all metrics, in Markdown. */
SCB_MUST_CHECK enum scb_status scb_metrics_reference(struct scb_buffer *out,
                                                     struct scb_error *error);

#endif
