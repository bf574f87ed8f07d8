/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers source/call_inbox: calls come out in their order, know whether a cancel was after them,
 * and end a wait.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "source/call_inbox.h"

static struct scb_call_inbox inbox;

static int begin(void **state)
{
    (void)state;
    scb_call_inbox_init(&inbox);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scb_call_inbox_free(&inbox);
    return 0;
}

static struct scb_rpc_call *take(uint64_t *ret_cancel_before)
{
    bool closing = true;
    struct scb_rpc_call *first = scb_call_inbox_take(&inbox, ret_cancel_before, &closing);
    assert_false(closing);
    return first;
}

static void calls_come_out_in_order(void **state)
{
    (void)state;
    struct scb_rpc_call calls[3] = {0};
    uint64_t cancel_before = 0;
    assert_null(take(&cancel_before));
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; i < 3; i++)
            assert_int_equal(scb_call_inbox_put(&inbox, &calls[i], false), i == 0);
        struct scb_rpc_call *first = take(&cancel_before);
        assert_ptr_equal(first, &calls[0]);
        assert_ptr_equal(first->next, &calls[1]);
        assert_ptr_equal(first->next->next, &calls[2]);
        assert_null(first->next->next->next);
        assert_null(take(&cancel_before));
    }
}

static void a_cancel_is_for_what_was_there(void **state)
{
    (void)state;
    struct scb_rpc_call before = {0}, after = {0};
    uint64_t cancel_before = 0;
    (void)scb_call_inbox_put(&inbox, &before, false);
    assert_ptr_equal(take(&cancel_before), &before);
    assert_false(before.epoch < cancel_before);
    scb_call_inbox_cancel(&inbox);
    (void)scb_call_inbox_put(&inbox, &before, true);
    (void)scb_call_inbox_put(&inbox, &after, false);
    assert_ptr_equal(take(&cancel_before), &before);
    assert_true(before.epoch < cancel_before);
    assert_false(after.epoch < cancel_before);
}

/* Hangs where it does not. */
static void a_wait_ends(void **state)
{
    (void)state;
    struct scb_rpc_call call = {0};
    uint64_t cancel_before = 0;
    bool closing = false;
    (void)scb_call_inbox_put(&inbox, &call, false);
    scb_call_inbox_wait(&inbox);
    assert_ptr_equal(take(&cancel_before), &call);
    scb_call_inbox_close(&inbox);
    scb_call_inbox_wait(&inbox);
    assert_null(scb_call_inbox_take(&inbox, &cancel_before, &closing));
    assert_true(closing);
}

#define BEGUN(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BEGUN(calls_come_out_in_order),
        BEGUN(a_cancel_is_for_what_was_there),
        BEGUN(a_wait_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
