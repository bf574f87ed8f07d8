/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers: the order of ready calls, delayed ones becoming ready at their time, removal anywhere.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "source/call_queue.h"

static struct scb_call_queue queue;
static struct scb_rpc_call calls[8];

/* "0 3 1" of a list's orders; checks that its end is where it says. */
static const char *orders(const struct scb_call_list *list)
{
    static char text[64];
    text[0] = '\0';
    const struct scb_rpc_call *last = NULL;
    for (const struct scb_rpc_call *call = list->first; call != NULL; call = call->next) {
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used, "%s%d", used > 0 ? " " : "",
                       (int)call->order);
        last = call;
    }
    assert_ptr_equal(list->last, last);
    return text;
}

/* A call of that order, that waits until then; now is 100. */
static struct scb_rpc_call *add(uint64_t order, int64_t not_before_ms)
{
    struct scb_rpc_call *call = &calls[order];
    *call = (struct scb_rpc_call){.order = order, .not_before_ms = not_before_ms};
    scb_call_queue_add(&queue, call, 100);
    return call;
}

static int begin(void **state)
{
    (void)state;
    queue = (struct scb_call_queue){0};
    return 0;
}

static void ready_calls_go_by_their_order(void **state)
{
    (void)state;
    const uint64_t added[] = {3, 5, 4, 0, 7, 1};
    for (size_t i = 0; i < SCB_LENGTH(added); i++)
        (void)add(added[i], 0);
    assert_string_equal(orders(&queue.ready), "0 1 3 4 5 7");
    assert_null(queue.delayed.first);
    assert_int_equal(scb_call_queue_wake(&queue, 100), INT64_MAX);
}

static void delayed_calls_become_ready_at_their_time(void **state)
{
    (void)state;
    (void)add(6, 0);
    (void)add(2, 250);
    (void)add(1, 150);
    (void)add(3, 200);
    assert_int_equal(queue.delayed_count, 3);
    assert_string_equal(orders(&queue.delayed), "1 3 2");
    assert_int_equal(scb_call_queue_wake(&queue, 149), 1);
    assert_string_equal(orders(&queue.ready), "6");
    assert_int_equal(scb_call_queue_wake(&queue, 200), 50);
    assert_string_equal(orders(&queue.ready), "1 3 6");
    assert_int_equal(queue.delayed_count, 1);
    assert_int_equal(scb_call_queue_wake(&queue, 1000), INT64_MAX);
    assert_string_equal(orders(&queue.ready), "1 2 3 6");
    assert_int_equal(queue.delayed_count, 0);
    assert_string_equal(orders(&queue.delayed), "");
}

static void a_call_is_removed_wherever_it_is(void **state)
{
    (void)state;
    for (uint64_t order = 0; order < 4; order++)
        (void)add(order, 0);
    for (uint64_t order = 4; order < 7; order++)
        (void)add(order, 100 + (int64_t)order);
    scb_call_queue_remove(&queue, &calls[2]);
    assert_string_equal(orders(&queue.ready), "0 1 3");
    scb_call_queue_remove(&queue, &calls[3]);
    scb_call_queue_remove(&queue, &calls[0]);
    assert_string_equal(orders(&queue.ready), "1");
    scb_call_queue_remove(&queue, &calls[1]);
    assert_string_equal(orders(&queue.ready), "");
    scb_call_queue_remove(&queue, &calls[6]);
    assert_int_equal(queue.delayed_count, 2);
    assert_string_equal(orders(&queue.delayed), "4 5");
    (void)add(7, 0);
    assert_string_equal(orders(&queue.ready), "7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(ready_calls_go_by_their_order, begin),
        cmocka_unit_test_setup(delayed_calls_become_ready_at_their_time, begin),
        cmocka_unit_test_setup(a_call_is_removed_wherever_it_is, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
