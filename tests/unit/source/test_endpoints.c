/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers: which endpoint is asked next - load, what has just failed, exclusion, avoidance, limits
 * and breakers - and how long to wait where none may be.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "source/endpoints.h"

enum { NOW = 1000000, FAR = 60000 };

static struct scb_endpoints endpoints;
static const struct scb_endpoint_wish any = {.only = SCB_ANY_ENDPOINT, .failed = -1};

static int begin(void **state)
{
    (void)state;
    static const char *const urls[] = {"https://a.example.org/v1/key", "https://b.example.org",
                                       "https://c.example.org", NULL};
    return scb_endpoints_init(&endpoints, urls, 0, NULL) == SCB_OK ? 0 : 1;
}

static int end(void **state)
{
    (void)state;
    scb_endpoints_free(&endpoints);
    return 0;
}

static int choose(struct scb_endpoint_wish wish, int64_t *ret_wait_ms)
{
    int64_t wait_ms = FAR;
    int chosen = scb_endpoints_choose(&endpoints, &wish, NOW, &wait_ms);
    if (ret_wait_ms != NULL)
        *ret_wait_ms = wait_ms;
    return chosen;
}

static void the_origin_holds_no_secret(void **state)
{
    (void)state;
    assert_int_equal(endpoints.count, 3);
    assert_string_equal(endpoints.list[0].origin, "https://a.example.org");
    assert_string_equal(endpoints.list[0].url, "https://a.example.org/v1/key");
}

static void the_least_busy_one_is_asked(void **state)
{
    (void)state;
    endpoints.list[0].in_flight = 2;
    endpoints.list[1].in_flight = 1;
    endpoints.list[2].in_flight = 3;
    assert_int_equal(choose(any, NULL), 1);
}

static void another_one_than_that_which_failed(void **state)
{
    (void)state;
    struct scb_endpoint_wish wish = any;
    endpoints.list[1].in_flight = 5;
    endpoints.list[2].in_flight = 5;
    wish.failed = 0;
    assert_int_equal(choose(wish, NULL), 1);
    wish.failed = 1;
    assert_int_equal(choose(wish, NULL), 0);
    atomic_store(&endpoints.list[1].excluded, true);
    atomic_store(&endpoints.list[2].excluded, true);
    wish.failed = 0; /* rather that one than none */
    assert_int_equal(choose(wish, NULL), 0);
}

static void those_that_will_not_do_are_left_out(void **state)
{
    (void)state;
    struct scb_endpoint_wish wish = any;
    atomic_store(&endpoints.list[0].excluded, true);
    wish.avoid = 1 << 1;
    assert_int_equal(choose(wish, NULL), 2);
    assert_true(scb_endpoints_any_left(&endpoints, &wish));
    wish.avoid = 1 << 1 | 1 << 2;
    int64_t wait_ms = 0;
    assert_int_equal(choose(wish, &wait_ms), -1);
    assert_int_equal(wait_ms, FAR);
    assert_false(scb_endpoints_any_left(&endpoints, &wish));
    wish.only = 0; /* named, it is asked all the same */
    assert_int_equal(choose(wish, NULL), 0);
    assert_true(scb_endpoints_any_left(&endpoints, &wish));
}

static void the_shortest_wait_is_told(void **state)
{
    (void)state;
    scb_rate_limit_pause(&endpoints.list[0].limit, NOW + 700);
    scb_breaker_trip(&endpoints.list[1].breaker, NOW, 300);
    scb_rate_limit_pause(&endpoints.list[2].limit, NOW + 900);
    int64_t wait_ms = 0;
    assert_int_equal(choose(any, &wait_ms), -1);
    assert_int_equal(wait_ms, 300);
    struct scb_endpoint_wish named = any;
    named.only = 1; /* past its breaker */
    assert_int_equal(choose(named, NULL), 1);
    named.only = 2; /* not past its limit */
    assert_int_equal(choose(named, &wait_ms), -1);
    assert_int_equal(wait_ms, 900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_origin_holds_no_secret, begin, end),
        cmocka_unit_test_setup_teardown(the_least_busy_one_is_asked, begin, end),
        cmocka_unit_test_setup_teardown(another_one_than_that_which_failed, begin, end),
        cmocka_unit_test_setup_teardown(those_that_will_not_do_are_left_out, begin, end),
        cmocka_unit_test_setup_teardown(the_shortest_wait_is_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
