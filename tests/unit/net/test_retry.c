/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers net/retry: which failures are tried again, and when.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include "base/memory.h"
#include "net/retry.h"

static const struct scb_retry_policy policy = {
    .attempts = 5, .delay_ms = 500, .max_delay_ms = 30000};
static const int64_t far_ms = 1000000000000;
enum { NOW_MS = 1000000 };

/* The random number that gives nearly the whole of the bound. */
static const uint32_t most = UINT32_MAX;

static void causes_decide_whether_there_is_another_attempt(void **state)
{
    (void)state;
    static const struct {
        enum scb_retry_cause cause;
        int64_t attempt;
        bool again;
    } table[] = {{SCB_RETRY_TROUBLE, 1, true},      {SCB_RETRY_TROUBLE, 4, true},
                 {SCB_RETRY_TROUBLE, 5, false},     {SCB_RETRY_TROUBLE, 6, false},
                 {SCB_RETRY_BEHIND, 4, true},       {SCB_RETRY_BEHIND, 5, false},
                 {SCB_RETRY_THROTTLED, 1, true},    {SCB_RETRY_THROTTLED, 5, true},
                 {SCB_RETRY_THROTTLED, 1000, true}, {SCB_RETRY_NEVER, 1, false},
                 {SCB_RETRY_ELSEWHERE, 1, true},    {SCB_RETRY_ELSEWHERE, 1000, true}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_retry_decision decision =
            scb_retry_decide(&policy, table[i].cause, table[i].attempt, NOW_MS, far_ms, 0, 0);
        if (decision.again != table[i].again)
            fail_msg("row %zu", i);
    }
    const struct scb_retry_policy once = {.attempts = 1, .delay_ms = 1, .max_delay_ms = 1};
    assert_false(scb_retry_decide(&once, SCB_RETRY_TROUBLE, 1, NOW_MS, far_ms, 0, 0).again);
    assert_true(scb_retry_decide(&once, SCB_RETRY_THROTTLED, 1, NOW_MS, far_ms, 0, 0).again);
    struct scb_retry_decision elsewhere =
        scb_retry_decide(&once, SCB_RETRY_ELSEWHERE, 1, NOW_MS, far_ms, 0, most);
    assert_true(elsewhere.again);
    assert_int_equal(elsewhere.not_before_ms, NOW_MS);
    assert_false(scb_retry_decide(&once, SCB_RETRY_ELSEWHERE, 1, NOW_MS, NOW_MS, 0, 0).again);
}

static void delays_double_up_to_the_maximum(void **state)
{
    (void)state;
    static const struct {
        int64_t attempt;
        enum scb_retry_cause cause;
        int64_t bound_ms;
    } table[] = {{1, SCB_RETRY_TROUBLE, 500},     {2, SCB_RETRY_TROUBLE, 1000},
                 {3, SCB_RETRY_TROUBLE, 2000},    {4, SCB_RETRY_TROUBLE, 4000},
                 {6, SCB_RETRY_THROTTLED, 16000}, {7, SCB_RETRY_THROTTLED, 30000},
                 {8, SCB_RETRY_THROTTLED, 30000}, {1000000, SCB_RETRY_THROTTLED, 30000},
                 {1, SCB_RETRY_BEHIND, 2000},     {2, SCB_RETRY_BEHIND, 2000},
                 {4, SCB_RETRY_BEHIND, 4000}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        const struct {
            uint32_t random;
            int64_t delay_ms;
        } draws[] = {{0, 0}, {most / 2 + 1, table[i].bound_ms / 2}, {most, table[i].bound_ms - 1}};
        for (size_t d = 0; d < SCB_LENGTH(draws); d++) {
            struct scb_retry_decision decision = scb_retry_decide(
                &policy, table[i].cause, table[i].attempt, NOW_MS, far_ms, 0, draws[d].random);
            assert_true(decision.again);
            assert_int_equal(decision.not_before_ms - NOW_MS, draws[d].delay_ms);
        }
    }
}

static void the_first_delay_may_be_the_longest(void **state)
{
    (void)state;
    const struct scb_retry_policy short_max = {.attempts = 5, .delay_ms = 500, .max_delay_ms = 100};
    assert_int_equal(
        scb_retry_decide(&short_max, SCB_RETRY_TROUBLE, 3, 0, far_ms, 0, most).not_before_ms, 99);
    const struct scb_retry_policy day = {
        .attempts = 100, .delay_ms = 3600000, .max_delay_ms = 86400000};
    assert_int_equal(
        scb_retry_decide(&day, SCB_RETRY_TROUBLE, 99, 0, far_ms, 0, most).not_before_ms, 86399999);
}

static void the_server_may_ask_for_more(void **state)
{
    (void)state;
    static const struct {
        int64_t retry_after_ms;
        uint32_t random;
        int64_t delay_ms;
    } table[] = {{7000, 0, 7000}, {7000, most, 7000}, {100, 0, 100}, {100, most, 499}, {0, 0, 0}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++)
        assert_int_equal(scb_retry_decide(&policy, SCB_RETRY_THROTTLED, 1, NOW_MS, far_ms,
                                          table[i].retry_after_ms, table[i].random)
                             .not_before_ms,
                         NOW_MS + table[i].delay_ms);
}

static void nothing_starts_at_the_deadline_or_after_it(void **state)
{
    (void)state;
    static const enum scb_retry_cause causes[] = {SCB_RETRY_TROUBLE, SCB_RETRY_THROTTLED,
                                                  SCB_RETRY_BEHIND};
    for (size_t i = 0; i < SCB_LENGTH(causes); i++) {
        const int64_t left_ms[] = {-1, 0, 1000, 1001};
        for (size_t n = 0; n < SCB_LENGTH(left_ms); n++) {
            struct scb_retry_decision decision =
                scb_retry_decide(&policy, causes[i], 1, NOW_MS, NOW_MS + left_ms[n], 1000, 0);
            assert_int_equal(decision.again, left_ms[n] > 1000);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(causes_decide_whether_there_is_another_attempt),
        cmocka_unit_test(delays_double_up_to_the_maximum),
        cmocka_unit_test(the_first_delay_may_be_the_longest),
        cmocka_unit_test(the_server_may_ask_for_more),
        cmocka_unit_test(nothing_starts_at_the_deadline_or_after_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
