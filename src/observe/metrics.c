/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: one array of cells, in which every series of every metric has its fixed place; so a
 * counter needs no look-up, and a snapshot is a copy of the array. Only the endpoints' names, which
 * change with the configuration, have a lock, which nobody takes who counts.
 */
#include "observe/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

const struct scb_metric_entry scb_metric_entries[SCB_METRIC_COUNT] = {
#define SCB_METRIC(constant, name_, kind_, labels_, unit_, life_, help_)                           \
    [SCB_METRIC_##constant] = {.name = (name_),                                                    \
                               .help = (help_),                                                    \
                               .kind = SCB_KIND_##kind_,                                           \
                               .labels = SCB_LABELS_##labels_,                                     \
                               .unit = SCB_UNIT_##unit_,                                           \
                               .life = SCB_LIFE_##life_,                                           \
                               .cell = SCB_CELL_##constant,                                        \
                               .series = SCB_SERIES_##labels_},
#include "observe/metrics.def"
#undef SCB_METRIC
};

/* --- the labels' values --- */

static const char *const operation_results[] = {[SCB_OPERATION_STARTED] = "started",
                                                [SCB_OPERATION_COMPLETED] = "completed",
                                                [SCB_OPERATION_FAILED] = "failed"};
static const char *const page_results[] = {
    [SCB_PAGE_COMPLETED] = "completed", [SCB_PAGE_REUSED] = "reused", [SCB_PAGE_FAILED] = "failed"};
static const char *const verify_results[] = {
    [SCB_COUNT_VALID] = "valid", [SCB_COUNT_INVALID] = "invalid", [SCB_COUNT_ERROR] = "error"};
static const char *const call_results[] = {[SCB_CALL_OK] = "ok",
                                           [SCB_CALL_THROTTLED] = "throttled",
                                           [SCB_CALL_QUOTA] = "quota",
                                           [SCB_CALL_TOO_HEAVY] = "too_heavy",
                                           [SCB_CALL_OUTGROWN] = "outgrown",
                                           [SCB_CALL_BLOCK_UNKNOWN] = "block_unknown",
                                           [SCB_CALL_STATE_MISSING] = "state_missing",
                                           [SCB_CALL_REVERTED] = "reverted",
                                           [SCB_CALL_METHOD_MISSING] = "method_missing",
                                           [SCB_CALL_BAD_PARAMETER] = "bad_parameter",
                                           [SCB_CALL_FORBIDDEN] = "forbidden",
                                           [SCB_CALL_TROUBLE] = "trouble",
                                           [SCB_CALL_NO_ANSWER] = "no_answer",
                                           [SCB_CALL_CANCELED] = "canceled"};
static const char *const methods[] = {"eth_call",    "eth_getBlockByNumber", "eth_getBlockByHash",
                                      "eth_chainId", "eth_getCode",          "other"};
static const enum scb_status errors[] = {
#define SCB_ERROR_TYPE(constant, ...) SCB_ERROR_##constant,
#include "scb/errors.def"
#undef SCB_ERROR_TYPE
};
static const int64_t buckets_ms[] = {5,    10,   25,   50,    100,   250,   500,
                                     1000, 2500, 5000, 10000, 30000, 60000, INT64_MAX};
_Static_assert(SCB_LENGTH(operation_results) == SCB_SERIES_OPERATION, "a name each");
_Static_assert(SCB_LENGTH(page_results) == SCB_SERIES_PAGE, "a name each");
_Static_assert(SCB_LENGTH(verify_results) == SCB_SERIES_VERIFY, "a name each");
_Static_assert(SCB_LENGTH(call_results) == SCB_CALL_RESULTS, "a name each");
_Static_assert(SCB_LENGTH(methods) == SCB_CALL_METHODS, "a name each");
_Static_assert(SCB_LENGTH(errors) == SCB_ERROR_TYPES, "a series each");
_Static_assert(SCB_LENGTH(buckets_ms) == SCB_DURATION_BUCKETS, "a series each");

/* --- counting --- */

struct scb_metrics {
    atomic_uint_fast64_t cells[SCB_METRIC_CELLS];
    atomic_bool set[SCB_METRIC_COUNT];
    pthread_mutex_t lock; /* of the endpoints */
    char endpoints[SCB_METRIC_ENDPOINTS][SCB_METRIC_ENDPOINT_SIZE];
    size_t endpoint_count;
};

enum scb_status scb_metrics_new(struct scb_metrics **ret_metrics, struct scb_error *error)
{
    struct scb_metrics *metrics = scb_alloc(1, sizeof(*metrics), error);
    if (metrics == NULL)
        return SCB_ERROR_RESOURCE;
    pthread_mutex_init(&metrics->lock, NULL);
    *ret_metrics = metrics;
    return SCB_OK;
}

void scb_metrics_free(struct scb_metrics *metrics)
{
    if (metrics == NULL)
        return;
    pthread_mutex_destroy(&metrics->lock);
    free(metrics);
}

static atomic_uint_fast64_t *cell(struct scb_metrics *metrics, enum scb_metric metric,
                                  size_t series)
{
    assert(series < scb_metric_entries[metric].series);
    return &metrics->cells[scb_metric_entries[metric].cell + series];
}

void scb_metrics_add(struct scb_metrics *metrics, enum scb_metric metric, size_t series,
                     uint64_t count)
{
    if (metrics != NULL)
        atomic_fetch_add_explicit(cell(metrics, metric, series), count, memory_order_relaxed);
}

void scb_metrics_set(struct scb_metrics *metrics, enum scb_metric metric, size_t series,
                     uint64_t value)
{
    if (metrics == NULL)
        return;
    atomic_store_explicit(cell(metrics, metric, series), value, memory_order_relaxed);
    atomic_store_explicit(&metrics->set[metric], true, memory_order_release);
}

void scb_metrics_observe(struct scb_metrics *metrics, enum scb_metric metric, int64_t duration_ms)
{
    if (metrics == NULL)
        return;
    uint64_t ms = duration_ms > 0 ? (uint64_t)duration_ms : 0;
    size_t bucket = 0;
    while (duration_ms > buckets_ms[bucket])
        bucket++;
    scb_metrics_add(metrics, metric, bucket, 1);
    scb_metrics_add(metrics, metric, SCB_DURATION_BUCKETS, ms);
}

void scb_metrics_call(struct scb_metrics *metrics, const char *method, enum scb_call_result result,
                      int64_t duration_ms)
{
    if (metrics == NULL)
        return;
    size_t i = 0;
    while (i + 1 < SCB_CALL_METHODS && strcmp(methods[i], method) != 0)
        i++;
    scb_metrics_add(metrics, SCB_METRIC_CALLS, i * SCB_CALL_RESULTS + result, 1);
    if (result != SCB_CALL_CANCELED)
        scb_metrics_observe(metrics, SCB_METRIC_CALL_DURATION, duration_ms);
}

void scb_metrics_call_failed(struct scb_metrics *metrics, enum scb_status status)
{
    size_t i = 0;
    while (i < SCB_ERROR_TYPES && errors[i] != status)
        i++;
    assert(i < SCB_ERROR_TYPES);
    scb_metrics_add(metrics, SCB_METRIC_ERRORS, i, 1);
}

void scb_metrics_name_endpoints(struct scb_metrics *metrics, const char *const *origins,
                                size_t count)
{
    if (metrics == NULL)
        return;
    count = count < SCB_METRIC_ENDPOINTS ? count : SCB_METRIC_ENDPOINTS;
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < count; i++) {
        struct scb_bytes origin = {(const uint8_t *)origins[i], strlen(origins[i])};
        (void)scb_text_printable(origin, metrics->endpoints[i], SCB_METRIC_ENDPOINT_SIZE);
        scb_metrics_set(metrics, SCB_METRIC_BREAKER, i, 0);
    }
    metrics->endpoint_count = count;
    pthread_mutex_unlock(&metrics->lock);
}

void scb_metrics_set_breaker(struct scb_metrics *metrics, size_t endpoint, uint64_t state)
{
    if (endpoint < SCB_METRIC_ENDPOINTS)
        scb_metrics_set(metrics, SCB_METRIC_BREAKER, endpoint, state);
}

/* --- reading --- */

static void read_endpoint(const struct scb_metrics *metrics, size_t i,
                          struct scb_metrics_snapshot *snapshot)
{
    uint64_t state =
        atomic_load_explicit(&metrics->cells[SCB_CELL_BREAKER + i], memory_order_relaxed);
    size_t at = 0;
    while (at < snapshot->endpoint_count &&
           strcmp(snapshot->endpoints[at], metrics->endpoints[i]) != 0)
        at++;
    uint64_t *worst = &snapshot->cells[SCB_CELL_BREAKER + at];
    if (at < snapshot->endpoint_count) {
        *worst = state > *worst ? state : *worst;
        return;
    }
    memcpy(snapshot->endpoints[at], metrics->endpoints[i], SCB_METRIC_ENDPOINT_SIZE);
    *worst = state;
    snapshot->endpoint_count++;
}

/* The cells and the endpoints' names; whether gauges are set was read before. */
static void read_values(struct scb_metrics *metrics, struct scb_metrics_snapshot *ret_snapshot)
{
    for (size_t i = 0; i < SCB_METRIC_CELLS; i++)
        if (i < SCB_CELL_BREAKER || i > SCB_CELL_LAST_OF_BREAKER)
            ret_snapshot->cells[i] = atomic_load_explicit(&metrics->cells[i], memory_order_relaxed);
    pthread_mutex_lock(&metrics->lock);
    for (size_t i = 0; i < metrics->endpoint_count; i++)
        read_endpoint(metrics, i, ret_snapshot);
    pthread_mutex_unlock(&metrics->lock);
}

void scb_metrics_read(struct scb_metrics *metrics, struct scb_metrics_snapshot *ret_snapshot)
{
    *ret_snapshot = (struct scb_metrics_snapshot){0};
    for (size_t i = 0; i < SCB_METRIC_COUNT; i++)
        ret_snapshot->set[i] = atomic_load_explicit(&metrics->set[i], memory_order_acquire);
    read_values(metrics, ret_snapshot);
}

void scb_metrics_take(struct scb_metrics *metrics, struct scb_metrics_snapshot *ret_snapshot)
{
    *ret_snapshot = (struct scb_metrics_snapshot){0};
    for (size_t i = 0; i < SCB_METRIC_COUNT; i++)
        ret_snapshot->set[i] =
            scb_metric_entries[i].life == SCB_LIFE_LIVE
                ? atomic_load_explicit(&metrics->set[i], memory_order_acquire)
                : atomic_exchange_explicit(&metrics->set[i], false, memory_order_acquire);
    read_values(metrics, ret_snapshot);
}

void scb_metrics_give_back(struct scb_metrics *metrics, const struct scb_metrics_snapshot *snapshot)
{
    for (size_t i = 0; i < SCB_METRIC_COUNT; i++)
        if (snapshot->set[i])
            atomic_store_explicit(&metrics->set[i], true, memory_order_release);
}

void scb_metrics_merge(struct scb_metrics_snapshot *whole,
                       const struct scb_metrics_snapshot *before,
                       const struct scb_metrics_snapshot *now)
{
    for (size_t i = 0; i < SCB_METRIC_COUNT; i++) {
        const struct scb_metric_entry *entry = &scb_metric_entries[i];
        bool gauge = entry->kind == SCB_KIND_GAUGE;
        if (gauge && !now->set[i])
            continue;
        for (size_t at = entry->cell; at < entry->cell + entry->series; at++)
            whole->cells[at] =
                gauge ? now->cells[at] : whole->cells[at] + now->cells[at] - before->cells[at];
        whole->set[i] |= gauge;
    }
    if (now->set[SCB_METRIC_BREAKER]) {
        memcpy(whole->endpoints, now->endpoints, sizeof(whole->endpoints));
        whole->endpoint_count = now->endpoint_count;
    }
}

void scb_metrics_snapshot_set(struct scb_metrics_snapshot *snapshot, enum scb_metric metric,
                              uint64_t value)
{
    snapshot->cells[scb_metric_entries[metric].cell] = value;
    snapshot->set[metric] = true;
}

static size_t one(struct scb_metric_label *label, const char *name, const char *value)
{
    *label = (struct scb_metric_label){name, value};
    return 1;
}

size_t scb_metric_series_labels(const struct scb_metrics_snapshot *snapshot, enum scb_metric metric,
                                size_t series,
                                struct scb_metric_label ret_labels[SCB_METRIC_MOST_LABELS])
{
    switch (scb_metric_entries[metric].labels) {
    case SCB_LABELS_NONE:
    case SCB_LABELS_DURATION:
        return 0;
    case SCB_LABELS_OPERATION:
        return one(ret_labels, "result", operation_results[series]);
    case SCB_LABELS_PAGE:
        return one(ret_labels, "result", page_results[series]);
    case SCB_LABELS_VERIFY:
        return one(ret_labels, "result", verify_results[series]);
    case SCB_LABELS_ERROR:
        return one(ret_labels, "error_type", scb_status_name(errors[series]));
    case SCB_LABELS_ENDPOINT:
        return one(ret_labels, "endpoint", snapshot->endpoints[series]);
    case SCB_LABELS_VERSION:
        return one(ret_labels, "version", SCB_VERSION);
    case SCB_LABELS_CALL:
        return one(ret_labels, "method", methods[series / SCB_CALL_RESULTS]) +
               one(ret_labels + 1, "result", call_results[series % SCB_CALL_RESULTS]);
    }
    return 0;
}

bool scb_metric_is_shown(const struct scb_metrics_snapshot *snapshot, enum scb_metric metric,
                         size_t series)
{
    const struct scb_metric_entry *entry = &scb_metric_entries[metric];
    if (entry->labels == SCB_LABELS_ENDPOINT)
        return series < snapshot->endpoint_count;
    if (entry->labels == SCB_LABELS_CALL || entry->labels == SCB_LABELS_ERROR)
        return snapshot->cells[entry->cell + series] > 0;
    return entry->life == SCB_LIFE_KEPT || snapshot->set[metric];
}

int64_t scb_metric_bucket_ms(size_t bucket)
{
    assert(bucket < SCB_DURATION_BUCKETS);
    return buckets_ms[bucket];
}
