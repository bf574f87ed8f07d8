/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers source/contract_source: from when on a range's time runs. What it asks a node for and does
 * with the answers, tests/integration/node.test.mjs covers.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "../net/server.h"
#include "base/memory.h"
#include "source/contract_source.h"

enum {
    LARGEST_VALUE = 64 * 1024,
    LARGEST_ENTRY = LARGEST_VALUE + 2 * 64 + 1024,
    LIMIT_MS = 1000,
    LATER_MS = 50 * LIMIT_MS,
};

static atomic_int_fast64_t now_ms;
static const struct reply replies[] = {{.path = "/silent"}, {0}};
static struct server server;
static struct scb_source *source;

static int64_t tell_ms(void *state)
{
    (void)state;
    return atomic_load(&now_ms);
}

static void begin(void)
{
    static const struct scb_clock clock = {.real_ms = tell_ms, .monotonic_ms = tell_ms};
    char url[64];
    server_start(&server, replies);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/silent", server.port);
    const char *const urls[] = {url, NULL};
    const struct scb_contract_source_settings settings = {
        .client = {.urls = urls,
                   .max_in_flight = 8,
                   .retry = {.attempts = 1, .delay_ms = 1, .max_delay_ms = 1},
                   .timeout_ms = 600000,
                   .clock = &clock},
        .page_function = "getPaginatedKeyValues(uint256,uint256)",
        .memory_limit = 2 * LARGEST_ENTRY, /* one answer beside the urgent one's */
        .max_value_size = LARGEST_VALUE,
        .max_key_size = 64};
    atomic_store(&now_ms, LIMIT_MS);
    assert_int_equal(scb_contract_source_open(&settings, &source, NULL), SCB_OK);
}

static atomic_int answers;

static void answered(struct scb_range *range)
{
    (void)range;
    atomic_fetch_add(&answers, 1);
}

static void wait_until(const atomic_int *counter, int count)
{
    while (atomic_load(counter) < count)
        (void)usleep(100);
}

static void submit(struct scb_range *range, uint64_t start, bool urgent)
{
    *range =
        (struct scb_range){.start = start, .count = 1, .limit_ms = LIMIT_MS, .answered = answered};
    atomic_store(&range->urgent, urgent);
    source->ops->submit(source, range);
}

static void a_range_that_waits_for_memory_has_its_time_before_it(void **state)
{
    (void)state;
    struct scb_range first, waiting, urgent;
    begin();
    submit(&first, 0, false);
    wait_until(&server.requests, 1);
    submit(&waiting, 1, false);
    submit(&urgent, 2, true);
    wait_until(&server.requests, 2); /* the one before it had its turn, and no memory */
    atomic_store(&now_ms, LATER_MS);
    server_stop(&server); /* both fail and give their memory back; so does the third then */
    wait_until(&answers, 3);
    assert_int_equal(first.deadline_ms, 2 * LIMIT_MS);
    assert_int_equal(waiting.deadline_ms, LATER_MS + LIMIT_MS);
    assert_int_equal(waiting.status, SCB_ERROR_CONTRACT);
    assert_string_not_equal(waiting.error.message, "no endpoint answered in time");
    source->ops->close(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_that_waits_for_memory_has_its_time_before_it),
    };
    (void)setenv("no_proxy", "*", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
