/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers observe/metrics_json: a snapshot comes back from its JSON as Prometheus would be told it;
 * what this version does not know, and what is no number, is nothing.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/memory.h"
#include "observe/metrics_json.h"
#include "observe/metrics_text.h"

enum { MAX_TEXT = 256 * 1024 };

static void assert_same_text(const struct scb_metrics_snapshot *a,
                             const struct scb_metrics_snapshot *b)
{
    SCB_AUTO(buffer) struct scb_buffer one = {.max = MAX_TEXT};
    SCB_AUTO(buffer) struct scb_buffer other = {.max = MAX_TEXT};
    assert_int_equal(scb_metrics_prometheus(a, scb_metrics_all, &one, NULL), SCB_OK);
    assert_int_equal(scb_metrics_prometheus(b, scb_metrics_all, &other, NULL), SCB_OK);
    assert_int_equal(one.size, other.size);
    assert_memory_equal(one.data, other.data, one.size);
}

static void read_text(const char *text, size_t size, struct scb_metrics_snapshot *ret_snapshot)
{
    json_t *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(document);
    scb_metrics_json_read(document, ret_snapshot);
    json_decref(document);
}

static void come_back(struct scb_metrics *metrics)
{
    static struct scb_metrics_snapshot written, back;
    SCB_AUTO(buffer) struct scb_buffer text = {.max = MAX_TEXT};
    struct scb_json json;
    scb_metrics_read(metrics, &written);
    scb_json_begin(&json, &text);
    scb_metrics_json(&json, &written, scb_metrics_all);
    assert_int_equal(scb_json_finish(&json, NULL), SCB_OK);
    read_text((const char *)text.data, text.size, &back);
    assert_same_text(&back, &written);
}

static void a_snapshot_comes_back(void **state)
{
    (void)state;
    struct scb_metrics *metrics = NULL;
    assert_int_equal(scb_metrics_new(&metrics, NULL), SCB_OK);
    come_back(metrics);
    static const char *const origins[] = {"http://a.example", "https://b.example:8545"};
    scb_metrics_name_endpoints(metrics, origins, 2);
    scb_metrics_set_breaker(metrics, 1, 2);
    scb_metrics_add(metrics, SCB_METRIC_OPERATIONS, SCB_OPERATION_FAILED, 3);
    scb_metrics_add(metrics, SCB_METRIC_KEYS, 0, 12345678901);
    scb_metrics_add(metrics, SCB_METRIC_VERIFY, SCB_COUNT_ERROR, 1);
    scb_metrics_set(metrics, SCB_METRIC_LAST_SUCCESS, 0, 1705308600123);
    scb_metrics_set(metrics, SCB_METRIC_LAST_DURATION, 0, 7);
    scb_metrics_set(metrics, SCB_METRIC_MEMORY, 0, 64 << 20);
    scb_metrics_call(metrics, "eth_call", SCB_CALL_OK, 30);
    scb_metrics_call(metrics, "eth_chainId", SCB_CALL_NO_ANSWER, 70000);
    scb_metrics_call_failed(metrics, SCB_ERROR_CONTRACT);
    for (int64_t ms = 1; ms < 200000; ms *= 3)
        scb_metrics_observe(metrics, SCB_METRIC_PAGE_DURATION, ms);
    come_back(metrics);
    scb_metrics_free(metrics);
}

static void what_is_not_known_is_nothing(void **state)
{
    (void)state;
    static const struct scb_metrics_snapshot none;
    static struct scb_metrics_snapshot back;
    static const char *const texts[] = {
        "{}",
        "{\"metrics\":7}",
        "{\"metrics\":[7,null,{},{\"name\":\"keys_total\"}]}",
        "{\"metrics\":[{\"name\":\"satellite_backup_of_tomorrow\",\"value\":1,\"labels\":{}}]}",
        "{\"metrics\":[{\"name\":\"satellite_backup_keys_total\",\"value\":-1,\"labels\":{}}]}",
        "{\"metrics\":[{\"name\":\"satellite_backup_keys_total\",\"value\":\"1\"}]}",
        "{\"metrics\":[{\"name\":\"satellite_backup_last_duration_seconds\",\"value\":1e300}]}",
        ("{\"metrics\":[{\"name\":\"satellite_backup_pages_total\",\"value\":1,"
         "\"labels\":{\"result\":\"odd\"}}]}"),
        "{\"metrics\":[{\"name\":\"satellite_backup_page_duration_seconds\",\"buckets\":7}]}"};
    for (size_t i = 0; i < SCB_LENGTH(texts); i++) {
        read_text(texts[i], strlen(texts[i]), &back);
        assert_memory_equal(back.cells, none.cells, sizeof(back.cells));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_snapshot_comes_back),
                                       cmocka_unit_test(what_is_not_known_is_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
