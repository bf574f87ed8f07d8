/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/found_archive: an archive without a row is taken in where it is what a run of today
 * would have made, and where it is not, it stays, and no row says otherwise.
 */
#include "archived.h"

#include "crypto/identity.h"
#include "job/found_archive.h"

#define DATE "2024-01-15"

static struct scb_age_recipients recipients; /* that today's settings name */
static const struct scb_node_ids *trusted;

/* *ret_adopted is false where it fails. */
static enum scb_status adopt(bool *ret_adopted)
{
    struct scb_backup_dir *dir = NULL;
    const struct scb_backup_parts parts = {
        .store = house.parts.store, .catalog = house.parts.catalog, .clock = &clock_2024};
    struct scb_backup_settings settings = {
        .backup_date = DATE, .recipients = &recipients, .trusted = trusted};
    memset(settings.contract.bytes, 0xab, sizeof(settings.contract.bytes));
    *ret_adopted = false;
    assert_ok(scb_backup_dir_open(house.parts.store, DATE, true, &dir, &house.error));
    enum scb_status status =
        scb_found_archive_adopt(&parts, &settings, dir, ret_adopted, &house.error);
    scb_backup_dir_close(dir);
    assert_int_equal(is_known(DATE), *ret_adopted);
    return status;
}

static void assert_adopted(void)
{
    bool adopted = false;
    assert_ok(adopt(&adopted));
    assert_true(adopted);
    assert_int_equal(get_backup(DATE).state, SCB_BACKUP_COMPLETED);
    drop_database();
}

static void assert_refused(void)
{
    bool adopted = true;
    assert_int_equal(adopt(&adopted), SCB_ERROR_DATABASE);
    assert_non_null(strstr(house.error.message, "nor can it be taken in: "));
    assert_non_null(strstr(house.error.hint, "move it away"));
    assert_int_equal(access(temp_path(archive_name(DATE)), F_OK), 0);
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
    bool adopted = true;
    assert_ok(adopt(&adopted));
    assert_false(adopted);
}

/* What stands there, or whether, is not known then: nothing may be put in its place. */
static void what_cannot_be_opened_is_there(void **state)
{
    (void)state;
    bool adopted = true;
    temp_mkdir("backups/" DATE);
    temp_link("../elsewhere.zip", archive_name(DATE));
    assert_int_equal(adopt(&adopted), SCB_ERROR_FILE);
    assert_int_equal(unlink(temp_path(archive_name(DATE))), 0);
    temp_mkdir(archive_name(DATE));
    assert_int_equal(adopt(&adopted), SCB_ERROR_FILE);
    assert_int_equal(rmdir(temp_path(archive_name(DATE))), 0);
    assert_ok(adopt(&adopted));
    assert_false(adopted);
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

#define FOUND(test_) cmocka_unit_test_setup_teardown(test_, set_up, tear_down_found)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUND(there_may_be_none),
        FOUND(what_cannot_be_opened_is_there),
        FOUND(a_plain_one_is_no_encrypted_backup),
        FOUND(one_that_nobody_trusted_has_signed_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
