/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers catalog/sqlite_check: what proved a backup is kept by kind, the last one counts, and goes
 * with its backup; what is not in the database's own words is refused.
 */
#include "base/memory.h"
#include "fixture.h"

static struct scb_check_record seen[4];
static size_t seen_count;

static enum scb_status note(void *state, const struct scb_check_record *check,
                            struct scb_error *error)
{
    (void)state;
    (void)error;
    assert_true(seen_count < SCB_LENGTH(seen));
    seen[seen_count++] = *check;
    return SCB_OK;
}

static void keep(struct fixture *fixture, const char *date, enum scb_check_kind kind,
                 enum scb_verify_outcome outcome, const char *message)
{
    struct scb_check_record check = {.kind = kind,
                                     .checked_at_ms = NOW_MS,
                                     .outcome = outcome,
                                     .keys = 1000,
                                     .duration_ms = 250};
    (void)snprintf(check.message, sizeof(check.message), "%s", message);
    assert_ok(scb_catalog_record_check(fixture->catalog, date, &check, &fixture->error));
}

static size_t read_checks(struct fixture *fixture, const char *date)
{
    seen_count = 0;
    assert_ok(scb_catalog_checks(fixture->catalog, date, note, NULL, &fixture->error));
    return seen_count;
}

static void keeps_the_last_of_each_kind(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, DATE);
    assert_int_equal(read_checks(fixture, DATE), 0);
    keep(fixture, DATE, SCB_CHECK_VERIFY, SCB_VERIFY_VALID, "");
    keep(fixture, DATE, SCB_CHECK_TEST_RESTORE, SCB_VERIFY_NOT_CHECKED, "no space");
    keep(fixture, DATE, SCB_CHECK_TEST_RESTORE_CHAIN, SCB_VERIFY_VALID, "");
    keep(fixture, "2024-01-16", SCB_CHECK_VERIFY, SCB_VERIFY_VALID, "");
    keep(fixture, DATE, SCB_CHECK_VERIFY, SCB_VERIFY_INVALID, "page_3.json: damaged");
    reopen(fixture);
    assert_int_equal(read_checks(fixture, DATE), 3);
    assert_int_equal(seen[0].kind, SCB_CHECK_TEST_RESTORE);
    assert_int_equal(seen[0].outcome, SCB_VERIFY_NOT_CHECKED);
    assert_int_equal(seen[1].kind, SCB_CHECK_TEST_RESTORE_CHAIN);
    assert_int_equal(seen[2].kind, SCB_CHECK_VERIFY);
    assert_int_equal(seen[2].outcome, SCB_VERIFY_INVALID);
    assert_string_equal(seen[2].message, "page_3.json: damaged");
    assert_int_equal(seen[2].checked_at_ms, NOW_MS);
    assert_int_equal(seen[2].keys, 1000);
    assert_int_equal(seen[2].duration_ms, 250);
}

static void they_go_with_their_backup(void **state)
{
    struct fixture *fixture = *state;
    for (int again = 0; again < 2; again++) {
        start(fixture, DATE);
        keep(fixture, DATE, SCB_CHECK_VERIFY, SCB_VERIFY_VALID, "");
        keep(fixture, "2024-01-16", SCB_CHECK_VERIFY, SCB_VERIFY_VALID, "");
        if (again == 0) /* another archive will come of it */
            start(fixture, DATE);
        else
            assert_ok(scb_catalog_delete(fixture->catalog, DATE, &fixture->error));
        assert_int_equal(read_checks(fixture, DATE), 0);
        assert_int_equal(read_checks(fixture, "2024-01-16"), 1);
    }
}

static void refuses_what_it_does_not_know(void **state)
{
    struct fixture *fixture = *state;
    static const char *const changes[] = {"UPDATE backup_check SET kind = 'other'",
                                          "UPDATE backup_check SET outcome = 'fine'",
                                          "UPDATE backup_check SET checked_at = 'today'"};
    for (size_t i = 0; i < SCB_LENGTH(changes); i++) {
        keep(fixture, DATE, SCB_CHECK_VERIFY, SCB_VERIFY_VALID, "");
        run_sql_beside(fixture, changes[i]);
        seen_count = 0;
        assert_status(SCB_ERROR_DATABASE,
                      scb_catalog_checks(fixture->catalog, DATE, note, NULL, &fixture->error));
        run_sql_beside(fixture, "DELETE FROM backup_check");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(keeps_the_last_of_each_kind),
        OPEN(they_go_with_their_backup),
        OPEN(refuses_what_it_does_not_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
