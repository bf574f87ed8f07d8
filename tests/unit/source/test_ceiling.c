/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers: what an endpoint is asked for at once - less after it was too much, more again after
 * enough good answers, and each time later.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "source/ceiling.h"

/* How many good answers of that size it takes until more is asked for. */
static uint64_t answers_until_raised(struct scb_ceiling *ceiling)
{
    uint64_t entries = ceiling->entries, answers = 0;
    while (ceiling->entries == entries && answers < 100000) {
        scb_ceiling_raise(ceiling, entries);
        answers++;
    }
    return answers;
}

static void one_that_was_never_met_limits_nothing(void **state)
{
    (void)state;
    struct scb_ceiling ceiling = {0};
    scb_ceiling_raise(&ceiling, 100);
    assert_int_equal(scb_ceiling_limit(&ceiling, 1000), 1000);
}

static void it_is_the_lowest_that_was_met(void **state)
{
    (void)state;
    struct scb_ceiling ceiling = {0};
    scb_ceiling_lower(&ceiling, 50);
    scb_ceiling_lower(&ceiling, 80); /* an answer to an earlier request */
    assert_int_equal(scb_ceiling_limit(&ceiling, 100), 50);
    assert_int_equal(scb_ceiling_limit(&ceiling, 20), 20);
    scb_ceiling_lower(&ceiling, 25);
    assert_int_equal(scb_ceiling_limit(&ceiling, 100), 25);
}

static void more_is_tried_again_later_each_time(void **state)
{
    (void)state;
    struct scb_ceiling ceiling = {0};
    scb_ceiling_lower(&ceiling, 50);
    for (int i = 0; i < 1000; i++)
        scb_ceiling_raise(&ceiling, 49); /* smaller answers say nothing */
    assert_int_equal(ceiling.entries, 50);
    uint64_t last = 0;
    for (int i = 0; i < 20; i++) {
        uint64_t answers = answers_until_raised(&ceiling);
        assert_int_equal(ceiling.entries, 100);
        assert_true(answers > last || answers == 4096);
        last = answers;
        scb_ceiling_lower(&ceiling, 50); /* too much again */
    }
    assert_int_equal(last, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_was_never_met_limits_nothing),
        cmocka_unit_test(it_is_the_lowest_that_was_met),
        cmocka_unit_test(more_is_tried_again_later_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
