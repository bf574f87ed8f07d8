/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/found_archive: an archive without a row, or of one that is not completed, is taken in
 * where it is what a run of today would have made, or what was recorded; where it is not, it
 * stays, and no row says otherwise. One that is nothing to its row is as none.
 */
#include "archived.h"

#include "crypto/identity.h"
#include "job/found_archive.h"

#define DATE "2024-01-15"

static struct scb_age_recipients recipients; /* that today's settings name */
static const struct scb_node_ids *trusted;

/* Looks with the row that there is. *ret_stands is false where it fails. */
static enum scb_status look(bool *ret_stands)
{
    struct scb_backup_dir *dir = NULL;
    struct scb_backup_record row;
    bool known = is_known(DATE);
    const struct scb_backup_parts parts = {
        .store = house.parts.store, .catalog = house.parts.catalog, .clock = &clock_2024};
    struct scb_backup_settings settings = {
        .backup_date = DATE, .recipients = &recipients, .trusted = trusted};
    memset(settings.contract.bytes, 0xab, sizeof(settings.contract.bytes));
    assert_ok(scb_backup_dir_open(house.parts.store, DATE, true, &dir, &house.error));
    if (known)
        row = get_backup(DATE);
    const struct scb_found_archive found = {
        .parts = &parts, .settings = &settings, .dir = dir, .row = known ? &row : NULL};
    enum scb_status status = scb_found_archive_look(&found, ret_stands, &house.error);
    scb_backup_dir_close(dir);
    assert_int_equal(is_known(DATE), known || *ret_stands);
    assert_true(!is_known(DATE) || (get_backup(DATE).state == SCB_BACKUP_COMPLETED) == *ret_stands);
    return status;
}

static void assert_adopted(void)
{
    bool stands = false;
    assert_ok(look(&stands));
    assert_true(stands);
    drop_database();
}

static void assert_refused(void)
{
    bool stands = true;
    assert_int_equal(look(&stands), SCB_ERROR_DATABASE);
    assert_non_null(strstr(house.error.message, "nor can it be taken in: "));
    assert_non_null(strstr(house.error.hint, "move it away"));
    assert_int_equal(access(temp_path(archive_name(DATE)), F_OK), 0);
}

/* The row is to go on as if there were no archive. */
static void assert_nothing(void)
{
    bool stands = true;
    assert_ok(look(&stands));
    assert_false(stands);
}

static int tear_down_found(void **state)
{
    recipients.count = archived_recipients.count = 0;
    trusted = NULL;
    archived_signer = NULL;
    return tear_down(state);
}

static void archive_one(void)
{
    const struct scb_entry entry = entry_of("a", "1", "v1");
    archive_entries(DATE, &entry, 1, 1);
    drop_database();
}

static void there_may_be_none(void **state)
{
    (void)state;
    assert_nothing();
    start_backup(DATE, 1);
    assert_nothing();
}

/* What stands there, or whether, is not known then: nothing may be put in its place. */
static void what_cannot_be_opened_is_there(void **state)
{
    (void)state;
    bool stands = true;
    temp_mkdir("backups/" DATE);
    for (int known = 0; known < 2; known++) {
        temp_link("../elsewhere.zip", archive_name(DATE));
        assert_int_equal(look(&stands), SCB_ERROR_FILE);
        assert_int_equal(unlink(temp_path(archive_name(DATE))), 0);
        temp_mkdir(archive_name(DATE));
        assert_int_equal(look(&stands), SCB_ERROR_FILE);
        assert_int_equal(rmdir(temp_path(archive_name(DATE))), 0);
        assert_nothing();
        start_backup(DATE, 1);
    }
}

static void a_plain_one_is_no_encrypted_backup(void **state)
{
    (void)state;
    archive_one();
    assert_adopted();
    encrypt_from_now_on("key.txt");
    recipients = archived_recipients;
    assert_refused();
    archive_one();
    assert_adopted();
    encrypt_from_now_on("other.txt");
    recipients = archived_recipients;
    assert_refused();
    recipients.count = 0;
    assert_refused();
}

static void one_that_nobody_trusted_has_signed_is_nobodys(void **state)
{
    (void)state;
    struct scb_identity *mine = NULL, *other = NULL;
    assert_ok(scb_identity_create(temp_path("mine"), 0, NULL, &mine, &house.error));
    assert_ok(scb_identity_create(temp_path("other"), 0, NULL, &other, &house.error));
    struct scb_node_id id = *scb_identity_node_id(mine);
    const struct scb_node_ids ids = {&id, 1};
    trusted = &ids;
    archive_one();
    assert_refused();
    archived_signer = other;
    archive_one();
    assert_refused();
    archived_signer = mine;
    archive_one();
    assert_adopted();
    id = *scb_identity_node_id(other);
    assert_refused();
    trusted = NULL; /* then a signature only has to be right */
    assert_adopted();
    scb_identity_free(mine);
    scb_identity_free(other);
}

/* A kill between its rename and `completed`. */
static void one_of_an_unfinished_run_is_taken_in(void **state)
{
    (void)state;
    archive_one();
    start_backup(DATE, 1);
    assert_adopted();
    start_backup(DATE, 1);
    assert_ok(scb_catalog_fail(house.parts.catalog, DATE, "any", NOW_MS, &house.error));
    assert_adopted();
    encrypt_from_now_on("key.txt");
    recipients = archived_recipients;
    start_backup(DATE, 1);
    assert_refused();
    assert_non_null(strstr(house.error.message, "not recorded as completed"));
}

static void one_that_nobody_trusted_has_signed_is_not_taken_for_an_unfinished_run(void **state)
{
    (void)state;
    struct scb_identity *mine = NULL;
    assert_ok(scb_identity_create(temp_path("mine"), 0, NULL, &mine, &house.error));
    const struct scb_node_ids ids = {scb_identity_node_id(mine), 1};
    trusted = &ids;
    archive_one();
    start_backup(DATE, 1);
    assert_refused();
    scb_identity_free(mine);
}

/* Its checksum says whose it is: today's settings do not matter. */
static void the_one_that_was_recorded_is_taken_in(void **state)
{
    (void)state;
    const struct scb_entry entry = entry_of("a", "1", "v1");
    archive_entries(DATE, &entry, 1, 1);
    encrypt_from_now_on("key.txt");
    recipients = archived_recipients;
    assert_ok(scb_catalog_invalidate(house.parts.catalog, DATE, "away", &house.error));
    assert_adopted();
}

static void one_that_is_nothing_to_its_row_is_as_none(void **state)
{
    (void)state;
    struct scb_manifest manifest = sample_manifest(DATE, 1);
    manifest.block_hash[0] ^= 1;
    (void)make_archive(DATE, manifest);
    start_backup(DATE, 1);
    assert_nothing();
    (void)make_archive(DATE, sample_manifest(DATE, 1));
    assert_int_equal(truncate(temp_path(archive_name(DATE)), 10), 0);
    assert_nothing();
    assert_int_equal(access(temp_path(archive_name(DATE)), F_OK), 0);
}

/* What is recorded as completed is on the disk, though who made it was killed before its syncs. */
static void one_that_cannot_be_synced_is_not_taken_in(void **state)
{
    (void)state;
    bool stands = true;
    archive_one();
    start_backup(DATE, 1);
    for (int at = 1; at <= 3; at++) { /* the archive, its directory, backup_dir */
        calls_fail(CALL_SYNC, at, EIO);
        assert_int_equal(look(&stands), SCB_ERROR_DATABASE);
        assert_non_null(strstr(house.error.message, "not synced"));
    }
    assert_adopted();
}

#define FOUND(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down_found)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUND(there_may_be_none),
        FOUND(what_cannot_be_opened_is_there),
        FOUND(a_plain_one_is_no_encrypted_backup),
        FOUND(one_that_nobody_trusted_has_signed_is_nobodys),
        FOUND(one_of_an_unfinished_run_is_taken_in),
        FOUND(one_that_nobody_trusted_has_signed_is_not_taken_for_an_unfinished_run),
        FOUND(the_one_that_was_recorded_is_taken_in),
        FOUND(one_that_is_nothing_to_its_row_is_as_none),
        FOUND(one_that_cannot_be_synced_is_not_taken_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
