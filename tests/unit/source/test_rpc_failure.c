/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers source/rpc_failure: whether and where a call whose answer made no sense is tried again.
 * The nodes' own failures, tests/integration/node.test.mjs covers.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "source/rpc_failure.h"

enum { NOW = 1000000, FAILURES = 20 };

static struct scb_endpoints endpoints;
static struct scb_rpc_call call;

static void begin(size_t count)
{
    static const char *const urls[] = {"https://b.example.org", "https://a.example.org", NULL};
    scb_endpoints_free(&endpoints);
    assert_int_equal(scb_endpoints_init(&endpoints, urls + 2 - count, 0, NULL), SCB_OK);
    call = (struct scb_rpc_call){.endpoint = SCB_ANY_ENDPOINT};
}

static int end(void **state)
{
    (void)state;
    scb_endpoints_free(&endpoints);
    return 0;
}

/* An attempt at that endpoint failed so. */
static enum scb_retry_cause failed(size_t endpoint, enum scb_status status,
                                   enum scb_rpc_outcome outcome, bool permanent)
{
    int64_t retry_after_ms = 0;
    call.answered_by = endpoint;
    call.outcome = outcome;
    scb_error_set(&call.error, status, "so");
    call.error.permanent = permanent;
    scb_rpc_tell_breaker(&endpoints, &call, status, NOW);
    return scb_rpc_failure_cause(&endpoints, &call, &retry_after_ms, NOW);
}

static enum scb_retry_cause garbled(size_t endpoint)
{
    return failed(endpoint, SCB_ERROR_VALIDATION, SCB_RPC_TROUBLE, false);
}

static void the_only_endpoint_is_asked_again_and_not_left_alone(void **state)
{
    (void)state;
    begin(1);
    for (int i = 0; i < FAILURES; i++)
        assert_int_equal(garbled(0), SCB_RETRY_TROUBLE);
    assert_int_equal(scb_breaker_wait(&endpoints.list[0].breaker, NOW), 0);
    assert_int_equal(failed(0, SCB_ERROR_VALIDATION, SCB_RPC_TROUBLE, true), SCB_RETRY_NEVER);
}

static void another_is_asked_at_once_then_all_of_them_again(void **state)
{
    (void)state;
    begin(2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(garbled(1), SCB_RETRY_ELSEWHERE);
        assert_int_equal(scb_rpc_call_wish(&call).avoid, 2);
        assert_int_equal(garbled(0), SCB_RETRY_TROUBLE); /* this one counts */
        assert_int_equal(scb_rpc_call_wish(&call).avoid, 0);
    }
    for (int i = 0; i < FAILURES; i++) {
        call.refused = 0;
        (void)garbled(1);
    }
    assert_true(scb_breaker_wait(&endpoints.list[1].breaker, NOW) > 0);
}

static void one_that_said_what_will_not_change_stays_left_out(void **state)
{
    (void)state;
    begin(2);
    assert_int_equal(failed(0, SCB_ERROR_CONTRACT, SCB_RPC_REVERTED, true), SCB_RETRY_ELSEWHERE);
    assert_int_equal(garbled(1), SCB_RETRY_TROUBLE);
    assert_int_equal(scb_rpc_call_wish(&call).avoid, 1);
    assert_int_equal(failed(1, SCB_ERROR_CONTRACT, SCB_RPC_REVERTED, true), SCB_RETRY_NEVER);
}

static void a_further_opinion_that_nobody_is_left_for(void **state)
{
    (void)state;
    static const struct {
        enum scb_rpc_outcome left_out_for, outcome;
        uint64_t avoid;
        const char *message;
    } cases[] = {
        {SCB_RPC_STATE_MISSING, SCB_RPC_STATE_MISSING, 1 << 0,
         "no other endpoint is left that holds this block's state"},
        {SCB_RPC_FORBIDDEN, SCB_RPC_OK, 1 << 0, "no other endpoint is left that can be asked"},
        {SCB_RPC_STATE_MISSING, SCB_RPC_OK, 1 << 0 | 1 << 1, /* it was asked, too */
         "no other endpoint is left that can be asked"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        begin(2);
        assert_int_equal(failed(1, SCB_ERROR_CONTRACT, cases[i].left_out_for, false),
                         SCB_RETRY_ELSEWHERE);
        call = (struct scb_rpc_call){.endpoint = SCB_ANY_ENDPOINT, .avoid = cases[i].avoid};
        struct scb_endpoint_wish wish = scb_rpc_call_wish(&call);
        assert_false(scb_endpoints_any_left(&endpoints, &wish));
        scb_rpc_failure_nobody_left(&endpoints, &call);
        assert_int_equal(call.error.status, SCB_ERROR_CONTRACT);
        assert_string_equal(call.error.message, cases[i].message);
        assert_int_equal(call.outcome, cases[i].outcome);
    }
}

/* An endpoint that is left out meanwhile changes nothing of what was said for good. */
static void what_was_said_for_good_stays_where_nobody_is_left(void **state)
{
    (void)state;
    begin(2);
    assert_int_equal(failed(1, SCB_ERROR_CONTRACT, SCB_RPC_STATE_MISSING, false),
                     SCB_RETRY_ELSEWHERE);
    call.refused = 1 << 0;
    call.outcome = SCB_RPC_REVERTED;
    scb_rpc_failure_nobody_left(&endpoints, &call);
    assert_string_equal(call.error.message, "so");
    assert_int_equal(call.outcome, SCB_RPC_REVERTED);
}

static void what_made_no_sense_to_the_end_is_not_to_be_tried_again(void **state)
{
    (void)state;
    begin(1);
    call.attempts = 3;
    enum scb_retry_cause cause = garbled(0);
    scb_rpc_failure_describe(&endpoints, &call, cause);
    assert_int_equal(call.error.status, SCB_ERROR_VALIDATION);
    assert_string_equal(call.error.message, "so from https://a.example.org after 3 attempts");
    assert_false(call.error.retryable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_only_endpoint_is_asked_again_and_not_left_alone),
        cmocka_unit_test(another_is_asked_at_once_then_all_of_them_again),
        cmocka_unit_test(one_that_said_what_will_not_change_stays_left_out),
        cmocka_unit_test(a_further_opinion_that_nobody_is_left_for),
        cmocka_unit_test(what_was_said_for_good_stays_where_nobody_is_left),
        cmocka_unit_test(what_made_no_sense_to_the_end_is_not_to_be_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
