/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers web/limits: how often an address may ask, that one does not count for another, and
 * that many addresses take no more memory.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "web/limits.h"

static const uint8_t one[16] = {1}, other[16] = {2};

static int ask(struct scb_web_limits *limits, const uint8_t address[16], enum scb_web_limit limit,
               int times, int64_t now_ms)
{
    int passed = 0;
    for (int i = 0; i < times; i++)
        passed += scb_web_limits_take(limits, address, limit, now_ms) == 0;
    return passed;
}

static void each_address_has_its_own(void **state)
{
    (void)state;
    struct scb_web_limits *limits = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_web_limits_new(&limits, &error), SCB_OK);
    int passed = ask(limits, one, SCB_WEB_LIMIT_REQUEST, 1000, 5000);
    assert_in_range(passed, 100, 101);
    assert_in_range(scb_web_limits_take(limits, one, SCB_WEB_LIMIT_REQUEST, 5000), 1, 1);
    assert_int_equal(ask(limits, other, SCB_WEB_LIMIT_REQUEST, 50, 5000), 50);
    assert_in_range(ask(limits, one, SCB_WEB_LIMIT_ORDER, 1000, 5000), 10, 11);
    assert_in_range(ask(limits, one, SCB_WEB_LIMIT_REQUEST, 1000, 6000), 99, 101);
    assert_in_range(ask(limits, one, SCB_WEB_LIMIT_OPEN, 9000, 6000), 2000, 2001);
    scb_web_limits_free(limits);
}

static void many_addresses_push_the_oldest_out(void **state)
{
    (void)state;
    struct scb_web_limits *limits = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_web_limits_new(&limits, &error), SCB_OK);
    (void)ask(limits, one, SCB_WEB_LIMIT_ORDER, 100, 1000);
    for (int i = 0; i < 5000; i++) {
        uint8_t address[16] = {3};
        memcpy(address + 4, &i, sizeof(i));
        assert_int_equal(ask(limits, address, SCB_WEB_LIMIT_ORDER, 1, 1001 + i), 1);
    }
    scb_web_limits_free(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_address_has_its_own),
                                       cmocka_unit_test(many_addresses_push_the_oldest_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
