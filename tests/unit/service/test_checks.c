/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers service/checks: which check is due first and when, from the outcomes that are recorded,
 * whatever they were and whoever made them; none without an interval or a completed backup; and a
 * clock that was ahead.
 */
#include "../catalog/fixture.h"
#include "base/memory.h"
#include "service/checks.h"

#define HOUR  INT64_C(3600000)
#define OLD   "2024-01-13"
#define NEWER "2024-01-14"

static const struct scb_check_intervals only_verify = {.verify_ms = 24 * HOUR};
static const struct scb_check_intervals only_restore = {.test_restore_ms = 24 * HOUR};
static const struct scb_check_intervals both = {.verify_ms = 24 * HOUR,
                                                .test_restore_ms = 48 * HOUR};

static void make(struct fixture *fixture, const char *date)
{
    start(fixture, date);
    complete(fixture, date);
}

static void record_check(struct fixture *fixture, const char *date, enum scb_check_kind kind,
                         enum scb_verify_outcome outcome, int64_t at_ms)
{
    const struct scb_check_record check = {
        .kind = kind, .checked_at_ms = at_ms, .outcome = outcome};
    assert_ok(scb_catalog_record_check(fixture->catalog, date, &check, &fixture->error));
}

static void assert_next(struct fixture *fixture, const struct scb_check_intervals *intervals,
                        enum scb_check_kind kind, const char *date, int64_t at_ms)
{
    struct scb_due_check next;
    assert_ok(scb_check_next(fixture->catalog, intervals, NOW_MS, &next, &fixture->error));
    assert_int_equal(next.kind, kind);
    assert_string_equal(next.backup_date, date);
    assert_int_equal(next.at_ms, at_ms);
}

static void assert_none(struct fixture *fixture, const struct scb_check_intervals *intervals)
{
    struct scb_due_check next;
    assert_ok(scb_check_next(fixture->catalog, intervals, NOW_MS, &next, &fixture->error));
    assert_int_equal(next.at_ms, INT64_MAX);
}

static void nothing_is_due_without_an_interval_or_a_completed_backup(void **state)
{
    struct fixture *fixture = *state;
    const struct scb_check_intervals never = {0};
    assert_none(fixture, &both);
    start(fixture, DATE);
    assert_none(fixture, &both);
    assert_ok(scb_catalog_fail(fixture->catalog, DATE, "no", NOW_MS, &fixture->error));
    assert_none(fixture, &both);
    make(fixture, NEWER);
    assert_none(fixture, &never);
}

/* The newest of them first, and a test restore before them. */
static void what_never_was_checked_is_due_at_once(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, OLD);
    make(fixture, NEWER);
    assert_next(fixture, &only_verify, SCB_CHECK_VERIFY, NEWER, 0);
    record_check(fixture, NEWER, SCB_CHECK_VERIFY, SCB_VERIFY_VALID, NOW_MS);
    assert_next(fixture, &only_verify, SCB_CHECK_VERIFY, OLD, 0);
    assert_next(fixture, &both, SCB_CHECK_TEST_RESTORE, NEWER, 0);
}

/* Bad outcomes count as good ones do: a damaged backup is not looked at without end. */
static void every_backup_is_verified_again_when_it_is_its_turn(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, OLD);
    make(fixture, NEWER);
    record_check(fixture, NEWER, SCB_CHECK_VERIFY, SCB_VERIFY_VALID, NOW_MS - 3 * HOUR);
    record_check(fixture, OLD, SCB_CHECK_VERIFY, SCB_VERIFY_INVALID, NOW_MS - 2 * HOUR);
    assert_next(fixture, &only_verify, SCB_CHECK_VERIFY, NEWER, NOW_MS + 21 * HOUR);
    record_check(fixture, NEWER, SCB_CHECK_VERIFY, SCB_VERIFY_NOT_CHECKED, NOW_MS);
    assert_next(fixture, &only_verify, SCB_CHECK_VERIFY, OLD, NOW_MS + 22 * HOUR);
    reopen(fixture); /* as a restart does */
    assert_next(fixture, &only_verify, SCB_CHECK_VERIFY, OLD, NOW_MS + 22 * HOUR);
}

/* Whichever backup it was of, and onto whatever; it is made of the newest completed one. */
static void a_test_restore_is_measured_from_the_last_one(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, OLD);
    record_check(fixture, OLD, SCB_CHECK_TEST_RESTORE, SCB_VERIFY_VALID, NOW_MS - 30 * HOUR);
    assert_next(fixture, &only_restore, SCB_CHECK_TEST_RESTORE, OLD, NOW_MS - 6 * HOUR);
    make(fixture, NEWER);
    start(fixture, DATE);
    assert_next(fixture, &only_restore, SCB_CHECK_TEST_RESTORE, NEWER, NOW_MS - 6 * HOUR);
    record_check(fixture, OLD, SCB_CHECK_TEST_RESTORE_CHAIN, SCB_VERIFY_INVALID, NOW_MS - HOUR);
    assert_next(fixture, &only_restore, SCB_CHECK_TEST_RESTORE, NEWER, NOW_MS + 23 * HOUR);
    record_check(fixture, NEWER, SCB_CHECK_VERIFY, SCB_VERIFY_VALID, NOW_MS);
    assert_next(fixture, &only_restore, SCB_CHECK_TEST_RESTORE, NEWER, NOW_MS + 23 * HOUR);
}

static void the_earlier_of_the_two_is_next(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, NEWER);
    record_check(fixture, NEWER, SCB_CHECK_VERIFY, SCB_VERIFY_VALID, NOW_MS - 20 * HOUR);
    record_check(fixture, NEWER, SCB_CHECK_TEST_RESTORE, SCB_VERIFY_VALID, NOW_MS - 20 * HOUR);
    assert_next(fixture, &both, SCB_CHECK_VERIFY, NEWER, NOW_MS + 4 * HOUR);
    record_check(fixture, NEWER, SCB_CHECK_TEST_RESTORE, SCB_VERIFY_VALID, NOW_MS - 47 * HOUR);
    assert_next(fixture, &both, SCB_CHECK_TEST_RESTORE, NEWER, NOW_MS + HOUR);
}

/* A clock that was years ahead does not end the checks for years; one a little ahead is none. */
static void an_outcome_of_the_future_is_none(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, NEWER);
    record_check(fixture, NEWER, SCB_CHECK_VERIFY, SCB_VERIFY_VALID, NOW_MS + 1000 * HOUR);
    record_check(fixture, NEWER, SCB_CHECK_TEST_RESTORE, SCB_VERIFY_VALID, NOW_MS + 2 * HOUR);
    assert_next(fixture, &only_verify, SCB_CHECK_VERIFY, NEWER, 0);
    assert_next(fixture, &only_restore, SCB_CHECK_TEST_RESTORE, NEWER, 0);
    record_check(fixture, NEWER, SCB_CHECK_VERIFY, SCB_VERIFY_VALID, NOW_MS + 100);
    assert_next(fixture, &only_verify, SCB_CHECK_VERIFY, NEWER, NOW_MS + 24 * HOUR + 100);
}

#define OPEN(test_) cmocka_unit_test_setup_teardown(test_, set_up_open, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(nothing_is_due_without_an_interval_or_a_completed_backup),
        OPEN(what_never_was_checked_is_due_at_once),
        OPEN(every_backup_is_verified_again_when_it_is_its_turn),
        OPEN(a_test_restore_is_measured_from_the_last_one),
        OPEN(the_earlier_of_the_two_is_next),
        OPEN(an_outcome_of_the_future_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
