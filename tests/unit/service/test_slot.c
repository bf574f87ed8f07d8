/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers service/slot: where slots begin and end and what they are called, in any interval, on leap
 * days, whichever way the clock jumps; how long a failed one waits.
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
#include "service/slot.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

static int64_t instant(const char *text)
{
    int64_t ms = 0;
    if (scb_timestamp_parse(text, &ms, NULL) != SCB_OK)
        fail_msg("no instant: %s", text);
    return ms;
}

static void slots_are_cut_from_the_epoch_on(void **state)
{
    (void)state;
    static const struct {
        int64_t interval_ms;
        const char *now;
        const char *start;
        const char *name;
    } table[] = {
        {24 * HOUR, "2024-01-15T08:30:00.123Z", "2024-01-15T00:00:00Z", "2024-01-15"},
        {24 * HOUR, "2024-01-15T00:00:00.000Z", "2024-01-15T00:00:00Z", "2024-01-15"},
        {24 * HOUR, "2024-01-15T23:59:59.999Z", "2024-01-15T00:00:00Z", "2024-01-15"},
        {24 * HOUR, "2024-02-29T12:00:00Z", "2024-02-29T00:00:00Z", "2024-02-29"},
        {24 * HOUR, "2024-03-01T00:00:00Z", "2024-03-01T00:00:00Z", "2024-03-01"},
        {24 * HOUR, "2100-02-28T23:59:59Z", "2100-02-28T00:00:00Z", "2100-02-28"},
        {24 * HOUR, "2024-03-31T01:30:00Z", "2024-03-31T00:00:00Z", "2024-03-31"}, /* CEST begins */
        {24 * HOUR, "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1970-01-01"},
        {7 * DAY, "2024-01-15T08:30:00Z", "2024-01-11T00:00:00Z", "2024-01-11"}, /* a Thursday */
        {7 * DAY, "2024-01-10T23:59:59Z", "2024-01-04T00:00:00Z", "2024-01-04"},
        {365 * DAY, "2024-01-15T08:30:00Z", "2023-12-19T00:00:00Z", "2023-12-19"},
        {36 * HOUR, "2024-01-14T23:59:59Z", "2024-01-13T12:00:00Z", "2024-01-13"},
        {36 * HOUR, "2024-01-15T08:30:00Z", "2024-01-15T00:00:00Z", "2024-01-15"},
        {36 * HOUR, "2024-01-16T12:00:00Z", "2024-01-16T12:00:00Z", "2024-01-16"},
        {12 * HOUR, "2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z", "2024-02-29T120000Z"},
        {7 * HOUR, "2024-01-15T08:30:00Z", "2024-01-15T02:00:00Z", "2024-01-15T020000Z"},
        {2 * SECOND, "2024-01-15T08:30:01.999Z", "2024-01-15T08:30:00Z", "2024-01-15T083000Z"},
        {2 * SECOND, "2024-01-15T08:30:02Z", "2024-01-15T08:30:02Z", "2024-01-15T083002Z"},
        {SECOND, "2024-01-15T08:30:01.999Z", "2024-01-15T08:30:01Z", "2024-01-15T083001Z"},
        /* A slot has whole seconds, since its name has. */
        {1500, "2024-01-15T08:30:01.999Z", "2024-01-15T08:30:00Z", "2024-01-15T083000Z"},
        {24 * HOUR - 1, "2024-01-15T08:30:00Z", "2024-01-15T00:00:00Z", "2024-01-15"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_slot slot = scb_slot_at(instant(table[i].now), table[i].interval_ms);
        assert_string_equal(slot.backup_date, table[i].name);
        assert_int_equal(slot.start_ms, instant(table[i].start));
        int64_t whole_ms = (table[i].interval_ms + 999) / 1000 * 1000;
        assert_int_equal(slot.end_ms - slot.start_ms, whole_ms);
    }
}

static void assert_same(struct scb_slot a, struct scb_slot b)
{
    assert_int_equal(a.start_ms, b.start_ms);
    assert_int_equal(a.end_ms, b.end_ms);
    assert_string_equal(a.backup_date, b.backup_date);
}

/* No instant is in no slot or in two, and names rise with time and are never used twice. */
static void slots_follow_each_other(void **state)
{
    (void)state;
    static const int64_t intervals[] = {SECOND,     1500,      2 * SECOND, MINUTE,  7 * MINUTE,
                                        HOUR,       7 * HOUR,  12 * HOUR,  DAY - 1, DAY,
                                        DAY + HOUR, 36 * HOUR, 7 * DAY,    31 * DAY};
    for (size_t i = 0; i < SCB_LENGTH(intervals); i++) {
        struct scb_slot slot = scb_slot_at(instant("2023-12-31T23:59:59.500Z"), intervals[i]);
        for (int n = 0; n < 1000; n++) {
            int64_t named_ms = 0;
            assert_int_equal(scb_backup_date_parse(slot.backup_date, &named_ms, NULL), SCB_OK);
            assert_true(named_ms <= slot.start_ms && named_ms > slot.start_ms - DAY);
            assert_same(scb_slot_at(slot.start_ms, intervals[i]), slot);
            assert_same(scb_slot_at(slot.end_ms - 1, intervals[i]), slot);
            struct scb_slot next = scb_slot_at(slot.end_ms, intervals[i]);
            assert_int_equal(next.start_ms, slot.end_ms);
            assert_true(strcmp(slot.backup_date, next.backup_date) < 0);
            slot = next;
        }
    }
}

static void a_clock_that_jumps_comes_back_to_the_same_slot(void **state)
{
    (void)state;
    static const int64_t jumps[] = {HOUR, DAY, 10 * 365 * DAY, -HOUR, -DAY, -10 * 365 * DAY};
    int64_t now_ms = instant("2024-01-15T12:00:00Z");
    struct scb_slot before = scb_slot_at(now_ms, DAY);
    for (size_t i = 0; i < SCB_LENGTH(jumps); i++) {
        struct scb_slot jumped = scb_slot_at(now_ms + jumps[i], DAY);
        bool same_day = jumps[i] == HOUR || jumps[i] == -HOUR;
        assert_int_equal(strcmp(jumped.backup_date, before.backup_date) == 0, same_day);
        assert_same(scb_slot_at(now_ms, DAY), before);
    }
}

static void failed_slots_wait_longer_and_longer(void **state)
{
    (void)state;
    static const struct {
        int64_t failures, minutes;
    } table[] = {{1, 1}, {2, 2}, {3, 4}, {4, 8}, {5, 16}, {6, 32}, {7, 60}, {8, 60}, {1 << 30, 60}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++)
        assert_int_equal(scb_slot_retry_delay_ms(table[i].failures), table[i].minutes * MINUTE);
}

/* In a day of which noon has come, after the second attempt: two minutes, or the next day. */
static void what_waiting_does_not_mend_waits_for_the_next_slot(void **state)
{
    (void)state;
    static const struct {
        enum scb_status status;
        bool permanent, next_slot;
    } table[] = {
        {SCB_OK, false, true},
        {SCB_ERROR_CANCELED, false, true},
        {SCB_ERROR_CONTRACT, false, false},
        {SCB_ERROR_CONTRACT, true, true}, /* a revert, a refused key */
        {SCB_ERROR_FILE, false, false},
        {SCB_ERROR_DATABASE, false, false},
        {SCB_ERROR_RESOURCE, false, false}, /* a full disk */
        {SCB_ERROR_RESOURCE, true, true},   /* a value over its limit */
        {SCB_ERROR_BUSY, false, false},
        {SCB_ERROR_VALIDATION, false, true},
        {SCB_ERROR_INTEGRITY, false, true},
        {SCB_ERROR_INTERNAL, false, true},
    };
    int64_t now_ms = instant("2024-01-15T12:00:00Z");
    struct scb_slot slot = scb_slot_at(now_ms, DAY);
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        const struct scb_error error = {.status = table[i].status, .permanent = table[i].permanent};
        int64_t wanted = table[i].next_slot ? slot.end_ms : now_ms + 2 * MINUTE;
        assert_int_equal(scb_slot_again_ms(&slot, &error, 2, now_ms), wanted);
    }
    const struct scb_error error = {.status = SCB_ERROR_CONTRACT};
    assert_int_equal(scb_slot_again_ms(&slot, &error, 9, slot.end_ms - MINUTE), slot.end_ms);
}

static void jitter_stays_in_the_first_half_of_the_slot(void **state)
{
    (void)state;
    struct scb_slot slot = scb_slot_at(instant("2024-01-15T12:00:00Z"), DAY);
    assert_int_equal(scb_slot_begin_ms(&slot, 0, UINT32_MAX), slot.start_ms);
    assert_int_equal(scb_slot_begin_ms(&slot, 10 * MINUTE, 0), slot.start_ms);
    assert_int_equal(scb_slot_begin_ms(&slot, 10 * MINUTE, UINT32_C(1) << 31),
                     slot.start_ms + 5 * MINUTE);
    int64_t last_ms = scb_slot_begin_ms(&slot, 10 * MINUTE, UINT32_MAX);
    assert_in_range(last_ms, slot.start_ms + 10 * MINUTE - 10, slot.start_ms + 10 * MINUTE);
    assert_in_range(scb_slot_begin_ms(&slot, DAY, UINT32_MAX), slot.start_ms + DAY / 2 - 10,
                    slot.start_ms + DAY / 2);
    slot = scb_slot_at(instant("2024-01-15T12:00:00Z"), 365 * DAY); /* the longest there is */
    assert_in_range(scb_slot_begin_ms(&slot, DAY, UINT32_MAX), slot.start_ms + DAY - 10,
                    slot.start_ms + DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_cut_from_the_epoch_on),
        cmocka_unit_test(slots_follow_each_other),
        cmocka_unit_test(a_clock_that_jumps_comes_back_to_the_same_slot),
        cmocka_unit_test(failed_slots_wait_longer_and_longer),
        cmocka_unit_test(what_waiting_does_not_mend_waits_for_the_next_slot),
        cmocka_unit_test(jitter_stays_in_the_first_half_of_the_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
