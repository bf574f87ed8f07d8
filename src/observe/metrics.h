/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is counted (metrics.def), and how: adds and stores on atomics, never a lock nor an
 * allocation, so that any thread may count anything. One object a service, handed down to those
 * who count; NULL wherever nobody does. How it is shown is metrics_text's, how it is kept totals'.
 */
#ifndef SCB_OBSERVE_METRICS_H
#define SCB_OBSERVE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/error.h"

#define SCB_METRIC_PREFIX "satellite_backup_"

/* --- the sets of labels; a constant is a series of its set --- */

enum scb_operation_result {
    SCB_OPERATION_STARTED,
    SCB_OPERATION_COMPLETED,
    SCB_OPERATION_FAILED,
    SCB_OPERATION_RESULTS,
};
enum scb_page_result { SCB_PAGE_COMPLETED, SCB_PAGE_REUSED, SCB_PAGE_FAILED, SCB_PAGE_RESULTS };
enum scb_verify_count {
    SCB_COUNT_VALID,
    SCB_COUNT_INVALID,
    SCB_COUNT_ERROR,
    SCB_VERIFY_COUNTS,
};
enum scb_call_result {
    SCB_CALL_OK,
    SCB_CALL_THROTTLED,
    SCB_CALL_QUOTA,
    SCB_CALL_TOO_HEAVY, /* for the node */
    SCB_CALL_OUTGROWN,  /* longer than there was memory for */
    SCB_CALL_BLOCK_UNKNOWN,
    SCB_CALL_STATE_MISSING,
    SCB_CALL_REVERTED,
    SCB_CALL_METHOD_MISSING,
    SCB_CALL_BAD_PARAMETER,
    SCB_CALL_FORBIDDEN,
    SCB_CALL_TROUBLE,   /* an error of the node's own, or an answer that is none */
    SCB_CALL_NO_ANSWER, /* refused, reset, timed out */
    SCB_CALL_CANCELED,
    SCB_CALL_RESULTS,
};

enum {
    SCB_CALL_METHODS = 6, /* the methods that backups use, and "other" */
    SCB_ERROR_TYPES = 13, /* every line of errors.def */
    SCB_DURATION_BUCKETS = 14,
    SCB_METRIC_ENDPOINTS = 16,
    SCB_METRIC_ENDPOINT_SIZE = 256,
};

enum scb_metric_labels {
    SCB_LABELS_NONE,
    SCB_LABELS_OPERATION,
    SCB_LABELS_PAGE,
    SCB_LABELS_CALL,
    SCB_LABELS_ERROR,
    SCB_LABELS_VERIFY,
    SCB_LABELS_ENDPOINT,
    SCB_LABELS_DURATION, /* the buckets, then the sum */
    SCB_LABELS_VERSION,
};
enum {
    SCB_SERIES_NONE = 1,
    SCB_SERIES_OPERATION = SCB_OPERATION_RESULTS,
    SCB_SERIES_PAGE = SCB_PAGE_RESULTS,
    SCB_SERIES_CALL = SCB_CALL_METHODS * SCB_CALL_RESULTS,
    SCB_SERIES_ERROR = SCB_ERROR_TYPES,
    SCB_SERIES_VERIFY = SCB_VERIFY_COUNTS,
    SCB_SERIES_ENDPOINT = SCB_METRIC_ENDPOINTS,
    SCB_SERIES_DURATION = SCB_DURATION_BUCKETS + 1,
    SCB_SERIES_VERSION = 1,
};

/* --- the table --- */

enum scb_metric {
#define SCB_METRIC(constant, ...) SCB_METRIC_##constant,
#include "observe/metrics.def"
#undef SCB_METRIC
    SCB_METRIC_COUNT,
};

/* Where each metric's series stand among the cells. */
enum {
#define SCB_METRIC(constant, name, kind, labels, ...)                                              \
    SCB_CELL_##constant,                                                                           \
        SCB_CELL_LAST_OF_##constant = SCB_CELL_##constant + SCB_SERIES_##labels - 1,
#include "observe/metrics.def"
#undef SCB_METRIC
    SCB_METRIC_CELLS,
};

enum scb_metric_kind { SCB_KIND_COUNTER, SCB_KIND_GAUGE, SCB_KIND_HISTOGRAM };
enum scb_metric_unit { SCB_UNIT_COUNT, SCB_UNIT_BYTES, SCB_UNIT_SECONDS, SCB_UNIT_TIMESTAMP };
enum scb_metric_life { SCB_LIFE_KEPT, SCB_LIFE_LIVE };

struct scb_metric_entry {
    const char *name; /* without the prefix */
    const char *help;
    enum scb_metric_kind kind;
    enum scb_metric_labels labels;
    enum scb_metric_unit unit;
    enum scb_metric_life life;
    size_t cell, series; /* the first, and how many */
};

/* Some that stand together, the last one included. */
struct scb_metric_range {
    enum scb_metric first, last;
};
static const struct scb_metric_range scb_metrics_all = {0, SCB_METRIC_COUNT - 1};
static const struct scb_metric_range scb_metrics_of_resources = {SCB_METRIC_MEMORY,
                                                                 SCB_METRIC_DISK_FREE};

extern const struct scb_metric_entry scb_metric_entries[SCB_METRIC_COUNT];

/* --- counting --- */

struct scb_metrics;

SCB_MUST_CHECK enum scb_status scb_metrics_new(struct scb_metrics **ret_metrics,
                                               struct scb_error *error);
void scb_metrics_free(struct scb_metrics *metrics);

/* To a counter's series; 0 where it has only one. */
void scb_metrics_add(struct scb_metrics *metrics, enum scb_metric metric, size_t series,
                     uint64_t count);
void scb_metrics_set(struct scb_metrics *metrics, enum scb_metric metric, size_t series,
                     uint64_t value);
/* To a histogram. */
void scb_metrics_observe(struct scb_metrics *metrics, enum scb_metric metric, int64_t duration_ms);
/* One attempt of a call has ended. */
void scb_metrics_call(struct scb_metrics *metrics, const char *method, enum scb_call_result result,
                      int64_t duration_ms);
/* A call was given up. */
void scb_metrics_call_failed(struct scb_metrics *metrics, enum scb_status status);
/*
 * The endpoints that there are now, by their origins, which hold no secret: endpoint i is series i
 * from here on. Those past SCB_METRIC_ENDPOINTS are not shown.
 */
void scb_metrics_name_endpoints(struct scb_metrics *metrics, const char *const *origins,
                                size_t count);
/* 0 closed, 1 half-open, 2 open. */
void scb_metrics_set_breaker(struct scb_metrics *metrics, size_t endpoint, uint64_t state);

/* --- reading --- */

/* All values at one time. A plain value; {0} is one in which nothing has happened yet. */
struct scb_metrics_snapshot {
    uint64_t cells[SCB_METRIC_CELLS];
    bool set[SCB_METRIC_COUNT]; /* of gauges: somebody has set it */
    char endpoints[SCB_METRIC_ENDPOINTS][SCB_METRIC_ENDPOINT_SIZE];
    size_t endpoint_count;
};

/* Two endpoints of one origin are one here, in the worse of their states. */
void scb_metrics_read(struct scb_metrics *metrics, struct scb_metrics_snapshot *ret_snapshot);
/* The same; kept gauges that nobody sets from here on will not be set in the next one. */
void scb_metrics_take(struct scb_metrics *metrics, struct scb_metrics_snapshot *ret_snapshot);
/* What was taken could not be kept: its gauges are set as before. */
void scb_metrics_give_back(struct scb_metrics *metrics,
                           const struct scb_metrics_snapshot *snapshot);
/* What happened after `before` was read is added to whole; gauges that were set since are set. */
void scb_metrics_merge(struct scb_metrics_snapshot *whole,
                       const struct scb_metrics_snapshot *before,
                       const struct scb_metrics_snapshot *now);
/* Sets a gauge of a snapshot itself. */
void scb_metrics_snapshot_set(struct scb_metrics_snapshot *snapshot, enum scb_metric metric,
                              uint64_t value);

/* A series' labels; {"method", "eth_call"}. */
struct scb_metric_label {
    const char *name;
    const char *value; /* borrowed, from the snapshot where it is an endpoint's */
};
enum { SCB_METRIC_MOST_LABELS = 2 };
/* How many there are; not for histograms. */
size_t scb_metric_series_labels(const struct scb_metrics_snapshot *snapshot, enum scb_metric metric,
                                size_t series,
                                struct scb_metric_label ret_labels[SCB_METRIC_MOST_LABELS]);
/* Whether there is such a series to show: a live gauge that was set, a pair of labels that was
 * met, an endpoint that there is. */
bool scb_metric_is_shown(const struct scb_metrics_snapshot *snapshot, enum scb_metric metric,
                         size_t series);
/* The upper bound of a histogram's bucket in ms; INT64_MAX for the last. */
int64_t scb_metric_bucket_ms(size_t bucket);

#endif
