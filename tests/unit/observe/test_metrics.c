/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers observe/metrics: what is added is read, by many threads at once; buckets and their bounds;
 * labels; endpoints; merging of snapshots.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/thread.h"
#include "observe/metrics.h"

static struct scb_metrics *new_metrics(void)
{
    struct scb_metrics *metrics = NULL;
    assert_int_equal(scb_metrics_new(&metrics, NULL), SCB_OK);
    return metrics;
}

static struct scb_metrics_snapshot read_of(struct scb_metrics *metrics)
{
    struct scb_metrics_snapshot snapshot;
    scb_metrics_read(metrics, &snapshot);
    return snapshot;
}

/* The value of the series that has these labels; fails where there is none. */
static uint64_t value_of(const struct scb_metrics_snapshot *snapshot, enum scb_metric metric,
                         const char *first, const char *second)
{
    struct scb_metric_label labels[SCB_METRIC_MOST_LABELS];
    const struct scb_metric_entry *entry = &scb_metric_entries[metric];
    for (size_t i = 0; i < entry->series; i++) {
        size_t count = scb_metric_series_labels(snapshot, metric, i, labels);
        if ((count < 1 || strcmp(labels[0].value, first) == 0) &&
            (count < 2 || strcmp(labels[1].value, second) == 0))
            return snapshot->cells[entry->cell + i];
    }
    fail_msg("no series %s %s of %s", first, second, entry->name);
    return 0;
}

static void every_series_has_a_place_of_its_own(void **state)
{
    (void)state;
    size_t next = 0;
    for (size_t i = 0; i < SCB_METRIC_COUNT; i++) {
        assert_int_equal(scb_metric_entries[i].cell, next);
        assert_true(strlen(scb_metric_entries[i].help) > 3);
        next += scb_metric_entries[i].series;
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(scb_metric_entries[i].name, scb_metric_entries[j].name);
    }
    assert_int_equal(next, SCB_METRIC_CELLS);
}

static void nobody_counts_where_there_is_nothing_to_count_in(void **state)
{
    (void)state;
    scb_metrics_add(NULL, SCB_METRIC_KEYS, 0, 1);
    scb_metrics_set(NULL, SCB_METRIC_LAST_KEYS, 0, 1);
    scb_metrics_observe(NULL, SCB_METRIC_PAGE_DURATION, 1);
    scb_metrics_call(NULL, "eth_call", SCB_CALL_OK, 1);
    scb_metrics_call_failed(NULL, SCB_ERROR_CONTRACT);
    scb_metrics_name_endpoints(NULL, NULL, 0);
    scb_metrics_set_breaker(NULL, 0, 1);
}

static void calls_are_counted_by_method_and_result(void **state)
{
    (void)state;
    struct scb_metrics *metrics = new_metrics();
    scb_metrics_call(metrics, "eth_call", SCB_CALL_OK, 3);
    scb_metrics_call(metrics, "eth_call", SCB_CALL_OK, 30);
    scb_metrics_call(metrics, "eth_call", SCB_CALL_CANCELED, 0);
    scb_metrics_call(metrics, "eth_getCode", SCB_CALL_NO_ANSWER, 70000);
    scb_metrics_call(metrics, "made_up_by_nobody", SCB_CALL_METHOD_MISSING, 1);
    scb_metrics_call_failed(metrics, SCB_ERROR_VALIDATION);
    struct scb_metrics_snapshot now = read_of(metrics);
    assert_int_equal(value_of(&now, SCB_METRIC_CALLS, "eth_call", "ok"), 2);
    assert_int_equal(value_of(&now, SCB_METRIC_CALLS, "eth_call", "canceled"), 1);
    assert_int_equal(value_of(&now, SCB_METRIC_CALLS, "eth_call", "trouble"), 0);
    assert_int_equal(value_of(&now, SCB_METRIC_CALLS, "eth_getCode", "no_answer"), 1);
    assert_int_equal(value_of(&now, SCB_METRIC_CALLS, "other", "method_missing"), 1);
    assert_int_equal(value_of(&now, SCB_METRIC_ERRORS, "ValidationError", ""), 1);
    assert_int_equal(value_of(&now, SCB_METRIC_ERRORS, "ContractConnectionError", ""), 0);
    /* A call that was ended from here says nothing of the endpoints' speed. */
    assert_int_equal(now.cells[SCB_CELL_LAST_OF_CALL_DURATION], 3 + 30 + 70000 + 1);
    scb_metrics_free(metrics);
}

static void a_duration_counts_in_the_first_bucket_that_holds_it(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        int64_t bound_ms;
    } cases[] = {{-7, 5},
                 {0, 5},
                 {5, 5},
                 {6, 10},
                 {1000, 1000},
                 {1001, 2500},
                 {60000, 60000},
                 {60001, INT64_MAX},
                 {INT64_C(1) << 40, INT64_MAX}};
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        struct scb_metrics *metrics = new_metrics();
        scb_metrics_observe(metrics, SCB_METRIC_PAGE_DURATION, cases[i].ms);
        struct scb_metrics_snapshot now = read_of(metrics);
        const uint64_t *cells = &now.cells[SCB_CELL_PAGE_DURATION];
        for (size_t bucket = 0; bucket < SCB_DURATION_BUCKETS; bucket++)
            assert_int_equal(cells[bucket], scb_metric_bucket_ms(bucket) == cases[i].bound_ms);
        assert_int_equal(cells[SCB_DURATION_BUCKETS], cases[i].ms < 0 ? 0 : cases[i].ms);
        scb_metrics_free(metrics);
    }
    for (size_t bucket = 1; bucket < SCB_DURATION_BUCKETS; bucket++)
        assert_true(scb_metric_bucket_ms(bucket) > scb_metric_bucket_ms(bucket - 1));
}

enum { THREADS = 8, ROUNDS = 20000 };

static void *count(void *argument)
{
    for (size_t i = 0; i < ROUNDS; i++) {
        scb_metrics_add(argument, SCB_METRIC_KEYS, 0, 3);
        scb_metrics_call(argument, "eth_call", SCB_CALL_OK, 7);
        scb_metrics_set(argument, SCB_METRIC_LAST_KEYS, 0, i);
    }
    return NULL;
}

static void threads_lose_nothing(void **state)
{
    (void)state;
    struct scb_metrics *metrics = new_metrics();
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(scb_thread_start(&threads[i], "count", count, metrics, NULL), SCB_OK);
    struct scb_metrics_snapshot now = read_of(metrics); /* meanwhile */
    assert_true(now.cells[SCB_CELL_KEYS] <= UINT64_C(3) * THREADS * ROUNDS);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    now = read_of(metrics);
    assert_int_equal(now.cells[SCB_CELL_KEYS], 3 * THREADS * ROUNDS);
    assert_int_equal(value_of(&now, SCB_METRIC_CALLS, "eth_call", "ok"), THREADS * ROUNDS);
    assert_int_equal(now.cells[SCB_CELL_LAST_OF_CALL_DURATION], 7 * THREADS * ROUNDS);
    assert_int_equal(now.cells[SCB_CELL_LAST_KEYS], ROUNDS - 1);
    scb_metrics_free(metrics);
}

static void endpoints_of_one_origin_are_shown_as_one_in_the_worse_state(void **state)
{
    (void)state;
    static const char *const origins[] = {"https://a.example", "https://b.example",
                                          "https://a.example"};
    struct scb_metrics *metrics = new_metrics();
    scb_metrics_name_endpoints(metrics, origins, SCB_LENGTH(origins));
    scb_metrics_set_breaker(metrics, 2, 2);
    scb_metrics_set_breaker(metrics, 1, 1);
    struct scb_metrics_snapshot now = read_of(metrics);
    assert_int_equal(now.endpoint_count, 2);
    assert_int_equal(value_of(&now, SCB_METRIC_BREAKER, "https://a.example", ""), 2);
    assert_int_equal(value_of(&now, SCB_METRIC_BREAKER, "https://b.example", ""), 1);
    assert_true(scb_metric_is_shown(&now, SCB_METRIC_BREAKER, 1));
    assert_false(scb_metric_is_shown(&now, SCB_METRIC_BREAKER, 2));
    scb_metrics_name_endpoints(metrics, origins + 1, 1); /* another configuration */
    now = read_of(metrics);
    assert_int_equal(now.endpoint_count, 1);
    assert_int_equal(value_of(&now, SCB_METRIC_BREAKER, "https://b.example", ""), 0);
    scb_metrics_free(metrics);
}

static void endpoints_are_bounded(void **state)
{
    (void)state;
    char names[64][32];
    const char *origins[64];
    struct scb_metrics *metrics = new_metrics();
    for (size_t i = 0; i < 64; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "https://%zu.example", i);
        origins[i] = names[i];
    }
    scb_metrics_name_endpoints(metrics, origins, 64);
    scb_metrics_set_breaker(metrics, 63, 2); /* is nowhere, and hurts nobody */
    struct scb_metrics_snapshot now = read_of(metrics);
    assert_int_equal(now.endpoint_count, SCB_METRIC_ENDPOINTS);
    for (size_t i = 0; i < SCB_METRIC_ENDPOINTS; i++)
        assert_int_equal(now.cells[SCB_CELL_BREAKER + i], 0);
    scb_metrics_free(metrics);
}

static void a_merge_adds_what_is_new_and_takes_gauges_that_were_set(void **state)
{
    (void)state;
    struct scb_metrics *metrics = new_metrics();
    struct scb_metrics_snapshot whole = {0}, before, now;
    whole.cells[SCB_CELL_KEYS] = 100;
    whole.cells[SCB_CELL_LAST_KEYS] = 50;
    whole.cells[SCB_CELL_LAST_BLOCK] = 7;
    scb_metrics_add(metrics, SCB_METRIC_KEYS, 0, 10);
    scb_metrics_set(metrics, SCB_METRIC_LAST_BLOCK, 0, 8);
    scb_metrics_take(metrics, &before);
    scb_metrics_add(metrics, SCB_METRIC_KEYS, 0, 4);
    scb_metrics_set(metrics, SCB_METRIC_LAST_KEYS, 0, 4);
    scb_metrics_take(metrics, &now);
    scb_metrics_merge(&whole, &before, &now);
    assert_int_equal(whole.cells[SCB_CELL_KEYS], 104);
    assert_int_equal(whole.cells[SCB_CELL_LAST_KEYS], 4);
    assert_int_equal(whole.cells[SCB_CELL_LAST_BLOCK], 7); /* somebody's since then */
    scb_metrics_give_back(metrics, &now);
    now = read_of(metrics);
    assert_true(now.set[SCB_METRIC_LAST_KEYS]);
    assert_false(now.set[SCB_METRIC_LAST_BLOCK]);
    scb_metrics_free(metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_series_has_a_place_of_its_own),
        cmocka_unit_test(nobody_counts_where_there_is_nothing_to_count_in),
        cmocka_unit_test(calls_are_counted_by_method_and_result),
        cmocka_unit_test(a_duration_counts_in_the_first_bucket_that_holds_it),
        cmocka_unit_test(threads_lose_nothing),
        cmocka_unit_test(endpoints_of_one_origin_are_shown_as_one_in_the_worse_state),
        cmocka_unit_test(endpoints_are_bounded),
        cmocka_unit_test(a_merge_adds_what_is_new_and_takes_gauges_that_were_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
