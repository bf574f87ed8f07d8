/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers source/answer_memory: what is handed out, the reserve of the urgent request, who is told
 * that there is memory again, and which buffers are kept.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "source/answer_memory.h"

enum { LIMIT = 1000, RESERVE = 300, SMALL = 64, LARGE = 512 * 1024 };

static struct scb_answer_memory memory;
static const atomic_bool urgent = true, patient = false;

static int begin(void **state)
{
    (void)state;
    scb_answer_memory_init(&memory, LIMIT, RESERVE);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scb_answer_memory_free(&memory);
    return 0;
}

static void the_reserve_is_the_urgent_requests(void **state)
{
    (void)state;
    assert_int_equal(scb_answer_memory_take(&memory, 701, &patient), 0);
    assert_int_equal(scb_answer_memory_take(&memory, 700, &patient), 700);
    assert_int_equal(scb_answer_memory_take(&memory, 1, &patient), 0);
    assert_int_equal(scb_answer_memory_take(&memory, 500, &urgent), 300);
    assert_int_equal(scb_answer_memory_used(&memory), LIMIT);
}

static void who_was_refused_is_told(void **state)
{
    (void)state;
    assert_int_equal(scb_answer_memory_take(&memory, 700, &patient), 700);
    assert_false(scb_answer_memory_starved(&memory));
    assert_int_equal(scb_answer_memory_take(&memory, 10, &patient), 0);
    assert_true(scb_answer_memory_starved(&memory));
    scb_answer_memory_settle(&memory, 700, 800); /* it holds more than was reserved */
    assert_true(scb_answer_memory_give(&memory, 200));
    assert_false(scb_answer_memory_give(&memory, 100));
    assert_int_equal(scb_answer_memory_used(&memory), 500);
    assert_int_equal(scb_answer_memory_take(&memory, 200, &patient), 200);
    scb_answer_memory_settle(&memory, 200, 50);
    assert_int_equal(scb_answer_memory_used(&memory), 550);
}

static struct scb_buffer answer_of(size_t size)
{
    struct scb_buffer buffer = {.max = LARGE};
    assert_int_equal(scb_buffer_reserve(&buffer, size, NULL), SCB_OK);
    return buffer;
}

static void some_small_buffers_are_kept(void **state)
{
    (void)state;
    struct scb_buffer large = answer_of(LARGE);
    scb_answer_memory_keep(&memory, &large);
    assert_null(large.data);
    assert_null(scb_answer_memory_reuse(&memory).data);
    for (int i = 0; i < SCB_MAX_SPARE_ANSWERS + 1; i++) {
        struct scb_buffer small = answer_of(SMALL);
        scb_answer_memory_keep(&memory, &small);
        assert_null(small.data);
    }
    for (int i = 0; i < SCB_MAX_SPARE_ANSWERS; i++) {
        struct scb_buffer again = scb_answer_memory_reuse(&memory);
        assert_true(again.data != NULL && again.capacity >= SMALL && again.size == 0);
        scb_buffer_free(&again);
    }
    assert_null(scb_answer_memory_reuse(&memory).data);
}

#define BEGUN(test_) cmocka_unit_test_setup_teardown(test_, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BEGUN(the_reserve_is_the_urgent_requests),
        BEGUN(who_was_refused_is_told),
        BEGUN(some_small_buffers_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
