/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong under a change: a busy database, a full disk, a failed sync, a killed process.
 */
#include "shim.h"

#include <signal.h>
#include <sys/wait.h>

static void keeps_what_a_killed_process_committed(void **state)
{
    struct fixture *fixture = *state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct scb_catalog *catalog = NULL;
        struct scb_run_record run = sample_run(DATE);
        struct scb_page_record page = sample_page(7);
        if (scb_catalog_open(fixture->url, true, &catalog, NULL) == SCB_OK &&
            scb_catalog_start(catalog, &run, NOW_MS, NULL) == SCB_OK &&
            scb_catalog_record_pages(catalog, DATE, &page, 1, NULL) == SCB_OK)
            (void)raise(SIGKILL);
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_ok(scb_catalog_open(fixture->url, false, &fixture->catalog, &fixture->error));
    struct kept_pages kept = {0};
    assert_ok(scb_catalog_pages(fixture->catalog, DATE, keep_page, &kept, &fixture->error));
    assert_int_equal(kept.count, 1);
    assert_int_equal(kept.pages[0].page_number, 7);
}

static void waits_while_busy(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, DATE);
    sqlite3 *holder = open_beside(fixture);
    run_sql(holder, "BEGIN IMMEDIATE");
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_fail(fixture->catalog, DATE, "x", NOW_MS, &fixture->error));
    assert_true(fixture->error.retryable);
    assert_non_null(strstr(fixture->error.hint, "try again"));
    assert_in_range(slept_ms(), 5000, 5100);

    shim.sleeps = 0;
    shim.holder = holder;
    shim.release_after = 5;
    assert_ok(scb_catalog_fail(fixture->catalog, DATE, "x", NOW_MS, &fixture->error));
    assert_int_equal(shim.sleeps, 5);
    assert_int_equal(sqlite3_close(holder), SQLITE_OK);
}

static void survives_a_full_disk(void **state)
{
    struct fixture *fixture = *state;
    struct scb_page_record pages[] = {sample_page(1), sample_page(2)};
    start(fixture, DATE);
    record(fixture, DATE, 0);
    shim.write_code = SQLITE_FULL;
    assert_status(SCB_ERROR_RESOURCE,
                  scb_catalog_record_pages(fixture->catalog, DATE, pages, 2, &fixture->error));
    assert_non_null(strstr(fixture->error.hint, "free disk space"));
    struct scb_backup_record backup;
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_int_equal(backup.pages_completed, 1);
    shim.write_code = SQLITE_OK;
    assert_ok(scb_catalog_record_pages(fixture->catalog, DATE, pages, 2, &fixture->error));
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_int_equal(backup.pages_completed, 3);
}

static void syncs_only_what_is_completed(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, DATE);
    start(fixture, "2024-01-16");
    shim.log_syncs = 0;
    record(fixture, DATE, 0);
    assert_int_equal(shim.log_syncs, 0);
    complete(fixture, DATE);
    assert_true(shim.log_syncs > 0);
    shim.log_syncs = 0;
    record(fixture, "2024-01-16", 0);
    assert_int_equal(shim.log_syncs, 0);
}

static void is_not_completed_without_a_sync(void **state)
{
    struct fixture *fixture = *state;
    struct scb_backup_record backup = sample_completed(DATE);
    start(fixture, DATE);
    shim.sync_code = SQLITE_IOERR_FSYNC;
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_complete(fixture->catalog, &backup, &fixture->error));
    shim.sync_code = SQLITE_OK;
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_int_equal(backup.state, SCB_BACKUP_IN_PROGRESS);
    complete(fixture, DATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLOSED(keeps_what_a_killed_process_committed),
        SHIM_OPEN(waits_while_busy),
        SHIM_OPEN(survives_a_full_disk),
        SHIM_OPEN(syncs_only_what_is_completed),
        SHIM_OPEN(is_not_completed_without_a_sync),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
