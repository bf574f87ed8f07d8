/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers: a slot a page, found by its number; free slots used again, the last one first.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include "job/window.h"

static struct scb_page_slot *take(struct scb_window *window, uint64_t number)
{
    struct scb_page_slot *slot = NULL;
    assert_int_equal(scb_window_take(window, number, &slot, NULL), SCB_OK);
    slot->work.number = number;
    slot->work.fd = -1;
    return slot;
}

static void a_page_has_its_slot(void **state)
{
    (void)state;
    struct scb_window window = {0};
    assert_int_equal(scb_window_init(&window, 4, NULL), SCB_OK);
    for (uint64_t number = 6; number < 10; number++)
        (void)take(&window, number);
    for (uint64_t number = 6; number < 10; number++)
        assert_int_equal(scb_window_at(&window, number)->work.number, number);
    assert_null(scb_window_at(&window, 5)); /* another page is at its place */
    assert_null(scb_window_at(&window, 10));
    scb_window_give(&window, 6);
    assert_null(scb_window_at(&window, 6));
    (void)take(&window, 10);
    assert_int_equal(scb_window_at(&window, 10)->work.number, 10);
    scb_window_free(&window);
    scb_window_free(&window);
}

static void the_last_free_slot_is_taken_first(void **state)
{
    (void)state;
    struct scb_window window = {0};
    assert_int_equal(scb_window_init(&window, 100, NULL), SCB_OK);
    const struct scb_page_slot *first = take(&window, 0), *second = take(&window, 1);
    scb_window_give(&window, 0);
    scb_window_give(&window, 1);
    assert_ptr_equal(take(&window, 2), second);
    assert_ptr_equal(take(&window, 3), first);
    for (uint64_t number = 4; number < 50; number++) { /* all goes well: two slots are enough */
        scb_window_give(&window, number - 2);
        const struct scb_page_slot *slot = take(&window, number);
        assert_true(slot == first || slot == second);
    }
    scb_window_free(&window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_has_its_slot),
        cmocka_unit_test(the_last_free_slot_is_taken_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
