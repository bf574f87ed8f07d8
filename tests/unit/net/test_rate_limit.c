/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers net/rate_limit: a greedy caller over simulated minutes, bursts after a rest, pauses.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "base/memory.h"
#include "net/rate_limit.h"

enum { MINUTE_MS = 60000 };
static const int64_t start_ms = 123456789;

/* Takes all that the limit gives from one instant to another; returns how many those were. */
static int64_t take_all(struct scb_rate_limit *limit, int64_t from_ms, int64_t to_ms)
{
    int64_t taken = 0;
    for (int64_t now_ms = from_ms; now_ms < to_ms;) {
        int64_t wait_ms = scb_rate_limit_wait(limit, now_ms);
        assert_true(wait_ms >= 0);
        now_ms += wait_ms;
        if (wait_ms > 0)
            assert_int_equal(scb_rate_limit_wait(limit, now_ms), 0); /* the wait was long enough */
        if (now_ms >= to_ms)
            break;
        scb_rate_limit_take(limit, now_ms);
        taken++;
    }
    return taken;
}

static void a_greedy_caller_gets_the_rate(void **state)
{
    (void)state;
    static const int64_t rates[] = {1, 7, 60, 61, 600, 6000, 100000};
    for (size_t i = 0; i < SCB_LENGTH(rates); i++) {
        struct scb_rate_limit limit;
        scb_rate_limit_begin(&limit, rates[i]);
        int64_t burst = rates[i] / 60 + 1;
        int64_t first = take_all(&limit, start_ms, start_ms + MINUTE_MS);
        assert_in_range(first, rates[i], rates[i] + burst);
        for (int64_t minute = 1; minute < 10; minute++) {
            int64_t from_ms = start_ms + minute * MINUTE_MS;
            int64_t taken = take_all(&limit, from_ms, from_ms + MINUTE_MS);
            assert_in_range(taken, rates[i] - 1, rates[i] + 1);
        }
    }
}

static void a_rest_allows_a_seconds_burst_and_no_flood(void **state)
{
    (void)state;
    static const int64_t rests_ms[] = {1000, MINUTE_MS, 24 * 60 * (int64_t)MINUTE_MS};
    static const int64_t rates[] = {1, 60, 6000};
    for (size_t i = 0; i < SCB_LENGTH(rates) * SCB_LENGTH(rests_ms); i++) {
        int64_t rate = rates[i / SCB_LENGTH(rests_ms)];
        struct scb_rate_limit limit;
        scb_rate_limit_begin(&limit, rate);
        (void)take_all(&limit, start_ms, start_ms + MINUTE_MS);
        int64_t now_ms = limit.next_us / 1000 + rests_ms[i % SCB_LENGTH(rests_ms)] + 1;
        assert_int_equal(take_all(&limit, now_ms, now_ms + 1), rate / 60 + 1);
    }
}

static void requests_are_spaced(void **state)
{
    (void)state;
    struct scb_rate_limit limit;
    scb_rate_limit_begin(&limit, 120); /* one every 500 ms */
    (void)take_all(&limit, start_ms, start_ms + MINUTE_MS);
    int64_t now_ms = limit.next_us / 1000;
    assert_int_equal(scb_rate_limit_wait(&limit, now_ms), 0);
    scb_rate_limit_take(&limit, now_ms);
    assert_int_equal(scb_rate_limit_wait(&limit, now_ms), 500);
    assert_int_equal(scb_rate_limit_wait(&limit, now_ms + 499), 1);
    assert_int_equal(scb_rate_limit_wait(&limit, now_ms + 500), 0);
    limit.next_us += 1; /* less than a millisecond is waited for, too */
    assert_int_equal(scb_rate_limit_wait(&limit, now_ms + 500), 1);
}

static void no_limit_never_waits(void **state)
{
    (void)state;
    struct scb_rate_limit limit;
    scb_rate_limit_begin(&limit, 0);
    for (int i = 0; i < 100000; i++) {
        assert_int_equal(scb_rate_limit_wait(&limit, start_ms), 0);
        scb_rate_limit_take(&limit, start_ms);
    }
}

static void a_pause_holds_everything(void **state)
{
    (void)state;
    static const int64_t rates[] = {0, 60};
    for (size_t i = 0; i < SCB_LENGTH(rates); i++) {
        struct scb_rate_limit limit;
        scb_rate_limit_begin(&limit, rates[i]);
        scb_rate_limit_pause(&limit, start_ms + 5000);
        scb_rate_limit_pause(&limit, start_ms + 1000); /* a shorter one takes nothing back */
        scb_rate_limit_pause(&limit, -1);
        assert_int_equal(scb_rate_limit_wait(&limit, start_ms), 5000);
        scb_rate_limit_take(&limit, start_ms); /* one that was under way */
        assert_true(scb_rate_limit_wait(&limit, start_ms) >= 5000);
        assert_int_equal(scb_rate_limit_wait(&limit, start_ms + 7000), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_greedy_caller_gets_the_rate),
        cmocka_unit_test(a_rest_allows_a_seconds_burst_and_no_flood),
        cmocka_unit_test(requests_are_spaced),
        cmocka_unit_test(no_limit_never_waits),
        cmocka_unit_test(a_pause_holds_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
