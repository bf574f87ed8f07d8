/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/patience: which failures are waited for, how long each time, and when that ends.
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
#include "job/patience.h"

enum { LIMIT_MS = 60000, BUSY_TIMEOUT_MS = 5000 };

static int64_t now_ms;

static int64_t read_clock(void *state)
{
    (void)state;
    return now_ms;
}

static const struct scb_clock test_clock = {.real_ms = read_clock, .monotonic_ms = read_clock};
static struct scb_patience patience;
static const struct scb_error busy = {.status = SCB_ERROR_DATABASE, .retryable = true};

static int set_up(void **state)
{
    (void)state;
    now_ms = 1000000;
    patience = (struct scb_patience){.clock = &test_clock, .limit_ms = LIMIT_MS};
    return 0;
}

static int64_t refused(void)
{
    return scb_patience_pause(&patience, SCB_ERROR_DATABASE, &busy);
}

static void pauses_double_up_to_a_longest(void **state)
{
    (void)state;
    static const int64_t pauses_ms[] = {50, 100, 200, 400, 800, 1600, 2000, 2000, 2000};
    for (size_t i = 0; i < SCB_LENGTH(pauses_ms); i++)
        assert_int_equal(refused(), pauses_ms[i]);
}

static void patience_ends_at_the_limit_and_begins_anew(void **state)
{
    (void)state;
    const int64_t began_ms = now_ms;
    int64_t pause_ms = 0;
    while ((pause_ms = refused()) >= 0)
        now_ms += pause_ms + BUSY_TIMEOUT_MS;
    assert_in_range(now_ms - began_ms, LIMIT_MS - 2000, LIMIT_MS + BUSY_TIMEOUT_MS);
    assert_int_equal(refused(), -1); /* the next change has one attempt */
    now_ms += LIMIT_MS;
    assert_int_equal(refused(), -1);
    assert_int_equal(scb_patience_pause(&patience, SCB_OK, NULL), -1);
    assert_int_equal(refused(), 50);
}

static void other_failures_are_said_at_once(void **state)
{
    (void)state;
    static const struct scb_error others[] = {
        {.status = SCB_ERROR_RESOURCE},                    /* a full disk */
        {.status = SCB_ERROR_DATABASE},                    /* a damaged database */
        {.status = SCB_ERROR_BUSY, .retryable = true},     /* a completed backup */
        {.status = SCB_ERROR_CONTRACT, .retryable = true}, /* not the database's at all */
    };
    for (size_t i = 0; i < SCB_LENGTH(others); i++) {
        (void)refused();
        assert_int_equal(scb_patience_pause(&patience, others[i].status, &others[i]), -1);
    }
}

static void a_change_that_is_taken_leaves_no_error(void **state)
{
    (void)state;
    struct scb_error error = busy;
    enum scb_status status = SCB_OK;
    (void)refused();
    assert_false(scb_patience_again(&patience, &status, &error));
    assert_int_equal(status, SCB_OK);
    assert_int_equal(error.status, SCB_OK);
}

static void cancellation_ends_it(void **state)
{
    (void)state;
    struct scb_cancel *cancel = NULL;
    struct scb_error error = busy;
    enum scb_status status = SCB_ERROR_DATABASE;
    assert_int_equal(scb_cancel_new(&cancel, NULL), SCB_OK);
    scb_cancel_request(cancel);
    patience.cancel = cancel;
    assert_false(scb_patience_again(&patience, &status, &error));
    assert_int_equal(status, SCB_ERROR_CANCELED);
    assert_int_equal(error.status, SCB_ERROR_CANCELED);
    scb_cancel_free(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pauses_double_up_to_a_longest, set_up),
        cmocka_unit_test_setup(patience_ends_at_the_limit_and_begins_anew, set_up),
        cmocka_unit_test_setup(other_failures_are_said_at_once, set_up),
        cmocka_unit_test_setup(a_change_that_is_taken_leaves_no_error, set_up),
        cmocka_unit_test_setup(cancellation_ends_it, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
