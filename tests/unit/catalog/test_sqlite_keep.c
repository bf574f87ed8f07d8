/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers catalog/sqlite_keep: holding, releasing, forgetting and invalidating backups.
 */
#include "fixture.h"

static struct scb_backup_record get(struct fixture *fixture, const char *date)
{
    struct scb_backup_record backup;
    assert_ok(scb_catalog_get(fixture->catalog, date, &backup, &fixture->error));
    return backup;
}

static void make(struct fixture *fixture, const char *date)
{
    start(fixture, date);
    struct scb_page_record page = sample_page(0);
    page.empty_keys = 1;
    assert_ok(scb_catalog_record_pages(fixture->catalog, date, &page, 1, &fixture->error));
    complete(fixture, date);
}

static void hold(struct fixture *fixture, const char *date, bool held)
{
    assert_ok(scb_catalog_hold(fixture->catalog, date, held, NOW_MS, &fixture->error));
}

static void holds_and_releases(void **state)
{
    struct fixture *fixture = *state;
    struct scb_backup_record newest;
    make(fixture, DATE);
    make(fixture, "2024-01-16");
    assert_false(get(fixture, DATE).held);
    for (int i = 0; i < 2; i++) { /* a second time changes nothing */
        hold(fixture, DATE, true);
        reopen(fixture);
        assert_true(get(fixture, DATE).held);
        assert_false(get(fixture, "2024-01-16").held);
    }
    assert_sql(fixture, "SELECT held_at FROM backup_hold", "2024-01-15T08:30:00.123Z");
    assert_ok(scb_catalog_newest(fixture->catalog, true, &newest, &fixture->error));
    assert_false(newest.held);
    for (int i = 0; i < 2; i++) {
        hold(fixture, DATE, false);
        assert_false(get(fixture, DATE).held);
    }
}

static void holds_only_what_there_is(void **state)
{
    struct fixture *fixture = *state;
    for (int held = 0; held < 2; held++) {
        assert_status(SCB_ERROR_NOT_FOUND,
                      scb_catalog_hold(fixture->catalog, DATE, held == 1, NOW_MS, &fixture->error));
        assert_non_null(strstr(fixture->error.message, DATE));
    }
    assert_sql(fixture, "SELECT count(*) FROM backup_hold", "0");
    start(fixture, DATE); /* in progress is something, too */
    hold(fixture, DATE, true);
}

#define COUNT_ALL(where_)                                                                          \
    "SELECT (SELECT count(*) FROM backup_final_status " where_ ") || ' ' ||"                       \
    " (SELECT count(*) FROM backup_page_status " where_ ") || ' ' ||"                              \
    " (SELECT count(*) FROM backup_page_warning " where_ ") || ' ' ||"                             \
    " (SELECT count(*) FROM backup_run " where_ ")"

static void forgets_one_whole(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, DATE);
    make(fixture, "2024-01-16");
    assert_ok(scb_catalog_delete(fixture->catalog, DATE, &fixture->error));
    assert_sql(fixture, COUNT_ALL("WHERE backup_date = '2024-01-15'"), "0 0 0 0");
    assert_sql(fixture, COUNT_ALL("WHERE backup_date = '2024-01-16'"), "1 1 1 1");
    assert_ok(scb_catalog_delete(fixture->catalog, DATE, &fixture->error)); /* nothing to do */
    make(fixture, DATE);                                                    /* and again anew */
    assert_int_equal(get(fixture, DATE).state, SCB_BACKUP_COMPLETED);
}

static void forgets_none_in_part(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, DATE);
    run_sql_beside(fixture, "ALTER TABLE backup_run RENAME TO other");
    assert_status(SCB_ERROR_DATABASE, scb_catalog_delete(fixture->catalog, DATE, &fixture->error));
    run_sql_beside(fixture, "ALTER TABLE other RENAME TO backup_run");
    assert_sql(fixture, COUNT_ALL(""), "1 1 1 1");
}

static void forgets_no_held_one(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, DATE);
    hold(fixture, DATE, true);
    assert_status(SCB_ERROR_BUSY, scb_catalog_delete(fixture->catalog, DATE, &fixture->error));
    assert_non_null(strstr(fixture->error.hint, "backup release 2024-01-15"));
    assert_sql(fixture, COUNT_ALL(""), "1 1 1 1");
    hold(fixture, DATE, false);
    assert_ok(scb_catalog_delete(fixture->catalog, DATE, &fixture->error));
    assert_sql(fixture, COUNT_ALL(""), "0 0 0 0");
}

static void invalidates_completed_ones(void **state)
{
    struct fixture *fixture = *state;
    make(fixture, DATE);
    assert_ok(scb_catalog_invalidate(fixture->catalog, DATE, "it is gone", &fixture->error));
    struct scb_backup_record backup = get(fixture, DATE);
    assert_int_equal(backup.state, SCB_BACKUP_FAILED);
    assert_string_equal(backup.error_message, "it is gone");
    assert_int_equal(strlen(backup.checksum), 64); /* which archive it was stays known */
    start(fixture, "2024-01-16");
    assert_ok(scb_catalog_invalidate(fixture->catalog, "2024-01-16", "x", &fixture->error));
    assert_int_equal(get(fixture, "2024-01-16").state, SCB_BACKUP_IN_PROGRESS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(holds_and_releases),  OPEN(holds_only_what_there_is),
        OPEN(forgets_one_whole),   OPEN(forgets_none_in_part),
        OPEN(forgets_no_held_one), OPEN(invalidates_completed_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
