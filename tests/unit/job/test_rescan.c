/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/rescan: rows made again from archives, rows whose archive is gone, and what is no
 * backup; on real files and a real database.
 */
#include "backups.h"

#include "job/rescan.h"

#define DATE "2024-01-15"
#define NEXT "2024-01-16"

enum { MANY = 300 }; /* more pages than are recorded at a time */

static void assert_rescan(uint64_t restored, uint64_t lost, uint64_t orphans, uint64_t skipped)
{
    struct scb_rescan_result result = {0};
    assert_ok(scb_rescan_run(&house.parts, &result, &house.error));
    if (result.restored != restored || result.lost != lost || result.orphans != orphans ||
        result.skipped != skipped)
        fail_msg("restored %d lost %d orphans %d skipped %d", (int)result.restored,
                 (int)result.lost, (int)result.orphans, (int)result.skipped);
}

static enum scb_status count_page(void *state, const struct scb_page_record *page,
                                  struct scb_error *error)
{
    (void)error;
    uint64_t *count = state;
    assert_int_equal(page->page_number, *count);
    assert_int_equal(page->state, SCB_BACKUP_COMPLETED);
    assert_int_equal(page->keys_count, 1);
    assert_int_equal(page->file_size, 2);
    assert_int_equal(page->sha256[31], 0x45); /* of "[]" */
    ++*count;
    return SCB_OK;
}

static void makes_rows_again(void **state)
{
    (void)state;
    const struct scb_backup_record made[] = {make_backup(DATE, MANY), make_backup(NEXT, 1)};
    assert_rescan(0, 0, 0, 0);
    drop_database();
    assert_rescan(2, 0, 0, 0);
    for (size_t i = 0; i < SCB_LENGTH(made); i++) {
        struct scb_backup_record again = get_backup(made[i].backup_date);
        assert_int_equal(again.state, SCB_BACKUP_COMPLETED);
        assert_string_equal(again.checksum, made[i].checksum);
        assert_string_equal(again.backup_file_path, made[i].backup_file_path);
        assert_int_equal(again.file_size, made[i].file_size);
        assert_int_equal(again.total_keys, made[i].total_keys);
        assert_int_equal(again.total_pages, made[i].total_pages);
        assert_int_equal(again.block_number, 1900);
        assert_int_equal(again.completed_at_ms / 1000,
                         temp_stat(i == 0 ? "backups/" DATE "/backup_" DATE ".zip"
                                          : "backups/" NEXT "/backup_" NEXT ".zip")
                             .st_mtime);
    }
    uint64_t count = 0;
    assert_ok(scb_catalog_pages(house.parts.catalog, DATE, count_page, &count, &house.error));
    assert_int_equal(count, MANY);
    struct scb_run_record run;
    assert_ok(scb_catalog_get_run(house.parts.catalog, DATE, &run, &house.error));
    assert_int_equal(run.chain_id, 50);
    assert_int_equal(run.block_hash[0], 0xcd);
    assert_int_equal(run.contract[19], 0xab);
    assert_rescan(0, 0, 0, 0);
}

/* A crash between the archive and `completed`, or within an earlier rescan. */
static void completes_a_run_whose_archive_is_there(void **state)
{
    (void)state;
    struct scb_backup_record made = make_archive(DATE, sample_manifest(DATE, 2));
    start_backup(DATE, 2);
    start_backup(NEXT, 2);
    assert_rescan(1, 0, 0, 0);
    assert_string_equal(get_backup(DATE).checksum, made.checksum);
    assert_int_equal(get_backup(NEXT).state, SCB_BACKUP_IN_PROGRESS);
}

static void refuses_the_archive_of_another_block(void **state)
{
    (void)state;
    struct scb_manifest manifest = sample_manifest(DATE, 2);
    manifest.block_hash[31] ^= 1;
    (void)make_archive(DATE, manifest);
    start_backup(DATE, 2);
    assert_rescan(0, 0, 1, 0);
    assert_int_equal(get_backup(DATE).state, SCB_BACKUP_IN_PROGRESS);
}

static void refuses_what_is_no_backup_of_that_date(void **state)
{
    (void)state;
    (void)make_archive(DATE, sample_manifest(NEXT, 2));
    temp_mkdir("backups/" NEXT);
    temp_write("backups/" NEXT "/backup_" NEXT ".zip", "PK no zip at all");
    temp_mkdir("backups/2024-01-17");
    temp_write("elsewhere", "x");
    temp_mkdir("backups/2024-01-18");
    temp_link("../../elsewhere", "backups/2024-01-18/backup_2024-01-18.zip");
    assert_rescan(0, 0, 4, 0);
    assert_false(is_known(DATE) || is_known(NEXT) || is_known("2024-01-17"));
}

static void refuses_numbers_that_no_database_holds(void **state)
{
    (void)state;
    struct scb_manifest manifest = sample_manifest(DATE, 1);
    manifest.chain_id = UINT64_MAX;
    (void)make_archive(DATE, manifest);
    assert_rescan(0, 0, 1, 0);
    assert_false(is_known(DATE));
}

static void notes_what_is_gone(void **state)
{
    (void)state;
    (void)make_backup(DATE, 1);
    (void)make_backup(NEXT, 1);
    (void)make_backup("2024-01-17", 1);
    assert_int_equal(rename(temp_path("backups/" DATE), temp_path("away")), 0);
    assert_int_equal(truncate(temp_path("backups/" NEXT "/backup_" NEXT ".zip"), 10), 0);
    assert_rescan(0, 2, 0, 0);
    assert_string_equal(get_backup(DATE).error_message, "NotFoundError: its directory is missing");
    assert_non_null(strstr(get_backup(NEXT).error_message, "another size"));
    assert_int_equal(get_backup("2024-01-17").state, SCB_BACKUP_COMPLETED);
    assert_rescan(0, 0, 1, 0); /* said once; the damaged archive goes on being no backup */
    assert_int_equal(rename(temp_path("away"), temp_path("backups/" DATE)), 0);
    assert_rescan(1, 0, 1, 0);
    assert_int_equal(get_backup(DATE).state, SCB_BACKUP_COMPLETED);
}

static void takes_back_only_what_was_recorded(void **state)
{
    (void)state;
    (void)make_backup(DATE, 2);
    assert_int_equal(unlink(temp_path("backups/" DATE "/backup_" DATE ".zip")), 0);
    assert_rescan(0, 1, 0, 0);
    (void)make_archive(DATE, sample_manifest(DATE, 3)); /* same block, other bytes */
    assert_rescan(0, 0, 1, 0);
    assert_int_equal(get_backup(DATE).state, SCB_BACKUP_FAILED);
    (void)make_archive(DATE, sample_manifest(DATE, 2));
    assert_rescan(1, 0, 0, 0);
}

static void leaves_what_others_work_on(void **state)
{
    (void)state;
    struct scb_store_lock *lock = NULL;
    (void)make_backup(DATE, 1);
    drop_database();
    assert_ok(scb_store_lock(house.parts.store, DATE, &clock_2024, &lock, &house.error));
    assert_rescan(0, 0, 0, 1);
    assert_false(is_known(DATE));
    scb_store_unlock(lock);
    assert_rescan(1, 0, 0, 0);
}

/* It takes as long as the backups are large. */
static void ends_when_it_is_to(void **state)
{
    (void)state;
    struct scb_cancel *cancel = NULL;
    struct scb_rescan_result result;
    (void)make_backup(DATE, 2);
    drop_database();
    assert_ok(scb_cancel_new(&cancel, &house.error));
    scb_cancel_request(cancel);
    house.parts.cancel = cancel;
    assert_int_equal(scb_rescan_run(&house.parts, &result, &house.error), SCB_ERROR_CANCELED);
    assert_int_equal(result.orphans, 0); /* nothing is wrong with it */
    assert_false(is_known(DATE));
    house.parts.cancel = NULL;
    scb_cancel_free(cancel);
    assert_rescan(1, 0, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(makes_rows_again),
        IN_HOUSE(completes_a_run_whose_archive_is_there),
        IN_HOUSE(refuses_the_archive_of_another_block),
        IN_HOUSE(refuses_what_is_no_backup_of_that_date),
        IN_HOUSE(refuses_numbers_that_no_database_holds),
        IN_HOUSE(notes_what_is_gone),
        IN_HOUSE(takes_back_only_what_was_recorded),
        IN_HOUSE(leaves_what_others_work_on),
        IN_HOUSE(ends_when_it_is_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
