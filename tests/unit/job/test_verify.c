/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/verify: a whole backup is valid; every changed byte of archive, manifest and page
 * files is found, as is a database that says otherwise; what cannot be looked at is not called
 * invalid; keys that are there twice are warnings. Encrypted ones with their identity and without,
 * and whose signature counts.
 */
#include "archived.h"

#include "job/verify.h"

#define DATE     "2024-01-15"
#define MANIFEST "backups/" DATE "/manifest.json"
#define LATEST   "backups/latest/backup_latest.zip"

static struct scb_verify_result result;
static struct scb_verify_settings settings;
static struct scb_verify_finding last_finding;
static uint64_t findings_seen;
static struct scb_backup_keys *backup_keys;

static void found(void *state, const struct scb_verify_finding *finding)
{
    (void)state;
    last_finding = *finding;
    findings_seen++;
}

static enum scb_verify_outcome verify(const char *date)
{
    const struct scb_verify_parts parts = {.store = house.parts.store,
                                           .catalog = house.parts.catalog,
                                           .keys = backup_keys,
                                           .clock = &clock_2024,
                                           .observer = {.found = found}};
    findings_seen = 0;
    scb_verify_run(&parts, &settings, date, &result);
    assert_int_equal(findings_seen, result.problems + result.warnings);
    return result.outcome;
}

static void assert_valid(void)
{
    if (verify(DATE) != SCB_VERIFY_VALID)
        fail_msg("%s: %s; %s", result.first_problem.where, result.first_problem.what,
                 result.error.message);
    assert_int_equal(result.problems, 0);
}

/* The first problem is in that place and says that. */
static void assert_invalid(const char *where, const char *what)
{
    if (verify(DATE) != SCB_VERIFY_INVALID)
        fail_msg("%s: %s", scb_verify_outcome_name(result.outcome), result.error.message);
    if (strcmp(result.first_problem.where, where) != 0 ||
        strstr(result.first_problem.what, what) == NULL)
        fail_msg("%s: %s", result.first_problem.where, result.first_problem.what);
}

static void assert_warned(uint64_t count, const char *where, const char *what)
{
    assert_valid();
    assert_int_equal(result.warnings, count);
    if (strcmp(last_finding.where, where) != 0 || strstr(last_finding.what, what) == NULL)
        fail_msg("%s: %s", last_finding.where, last_finding.what);
}

/* Five entries in three pages. */
static struct scb_backup_record archive_five(const char *date)
{
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1"),
                                        entry_of("c", "\xff", "v2"), entry_of("d", date, "v1"),
                                        entry_of("e", "5", "v3")};
    return archive_entries(date, entries, SCB_LENGTH(entries), 2);
}

static int set_up_verify(void **state)
{
    archived_warnings = (struct scb_warnings){0};
    settings = (struct scb_verify_settings){
        .limits = {.max_key_size = 64 << 10, .max_value_size = 16 << 20},
        .worker_concurrency = 2,
        .memory_limit = 16 << 20};
    return set_up(state);
}

/* Only what the archive says itself is left to find a change. */
#define FORGET_CHECKSUM "UPDATE backup_final_status SET checksum = NULL"

static void a_whole_backup_is_valid(void **state)
{
    (void)state;
    archive_five(DATE);
    assert_valid();
    assert_int_equal(result.keys, 5);
    assert_int_equal(result.pages, 3);
    assert_int_equal(result.warnings, 0);
    assert_false(result.against_chain);
}

static void an_empty_one_is_valid(void **state)
{
    (void)state;
    archive_entries(DATE, NULL, 0, 100);
    assert_valid();
    assert_int_equal(result.pages, 1);
}

static void finds_every_changed_byte_of_the_archive(void **state)
{
    (void)state;
    struct scb_backup_record record = archive_five(DATE);
    for (off_t i = 0; i < record.file_size; i++) {
        uint8_t mask = (uint8_t)(1 << i % 8);
        flip(archive_name(DATE), i, mask);
        if (verify(DATE) != SCB_VERIFY_INVALID)
            fail_msg("byte %d", (int)i);
        flip(archive_name(DATE), i, mask);
    }
    assert_valid();
}

/* But for the bits that pad the last byte of each page's deflated data: they mean nothing. */
static void finds_them_without_the_databases_checksum_too(void **state)
{
    (void)state;
    struct scb_backup_record record = archive_five(DATE);
    unsigned unseen = 0;
    change_database(FORGET_CHECKSUM);
    for (off_t i = 0; i < record.file_size; i++) {
        uint8_t mask = (uint8_t)(1 << i % 8);
        flip(archive_name(DATE), i, mask);
        unseen += verify(DATE) != SCB_VERIFY_INVALID;
        flip(archive_name(DATE), i, mask);
    }
    assert_true(unseen <= 3);
    assert_valid();
}

static void finds_every_changed_byte_of_the_manifest_beside_it(void **state)
{
    (void)state;
    archive_five(DATE);
    off_t size = temp_stat(MANIFEST).st_size;
    for (off_t i = 0; i < size; i++) {
        flip(MANIFEST, i, 0x04);
        assert_invalid("file manifest.json", "not the one in the archive");
        flip(MANIFEST, i, 0x04);
    }
    assert_int_equal(truncate(temp_path(MANIFEST), size - 1), 0);
    assert_invalid("file manifest.json", "not the one in the archive");
    assert_int_equal(truncate(temp_path(MANIFEST), size + 1), 0);
    assert_invalid("file manifest.json", "not the one in the archive");
    assert_int_equal(unlink(temp_path(MANIFEST)), 0);
    assert_warned(1, "manifest.json", "not there");
}

static void finds_every_changed_byte_of_a_page_file(void **state)
{
    (void)state;
    static const char name[] = "backups/" DATE "/page_1.json";
    archive_five(DATE);
    off_t size = temp_stat(name).st_size;
    for (off_t i = 0; i < size; i++) {
        flip(name, i, 0x01);
        assert_invalid("file page_1.json", "not the page that the archive has");
        flip(name, i, 0x01);
    }
    assert_int_equal(truncate(temp_path(name), size - 1), 0);
    assert_invalid("file page_1.json", "the manifest says");
    assert_int_equal(unlink(temp_path(name)), 0); /* backup.keep_page_files: false */
    assert_valid();
}

static void finds_an_archive_of_another_size_or_none(void **state)
{
    (void)state;
    struct scb_backup_record record = archive_five(DATE);
    assert_int_equal(truncate(temp_path(archive_name(DATE)), record.file_size + 1), 0);
    assert_invalid("archive", "the database says");
    assert_int_equal(truncate(temp_path(archive_name(DATE)), 0), 0);
    assert_invalid("archive", "0 bytes");
    assert_int_equal(unlink(temp_path(archive_name(DATE))), 0);
    assert_invalid("archive", "");
    char gone[512];
    (void)snprintf(gone, sizeof(gone), "%s", temp_path("gone"));
    assert_int_equal(rename(temp_path("backups/" DATE), gone), 0);
    assert_invalid("directory", "");
}

/* Whole as a zip, with the right checksums, but not in satellite's form. */
static void finds_pages_that_are_in_another_form(void **state)
{
    (void)state;
    make_backup(DATE, 2); /* pages "[]" that the manifest says have one key each */
    assert_int_equal(verify(DATE), SCB_VERIFY_INVALID);
    assert_int_equal(result.problems, 3); /* rows of pages, and two pages */
    assert_string_equal(result.first_problem.where, "database");
}

static void finds_entries_where_none_are_said_to_be(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1")};
    archive_said_to_have(DATE, 0, entries, SCB_LENGTH(entries));
    assert_int_equal(verify(DATE), SCB_VERIFY_INVALID);
    assert_int_equal(result.problems, 2); /* and no row of it in the database */
    assert_string_equal(last_finding.where, "archive page_0.json");
}

/* Deflated they take next to nothing, whatever their number: what is kept of them must not grow. */
static void looks_at_no_more_entries_than_are_said_to_be(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static struct scb_entry entries[COUNT];
    for (size_t i = 0; i < COUNT; i++)
        entries[i] = entry_of("", "", "");
    archive_said_to_have(DATE, 3, entries, COUNT);
    assert_int_equal(verify(DATE), SCB_VERIFY_INVALID);
    assert_string_equal(last_finding.where, "archive page_0.json");
    assert_non_null(strstr(last_finding.what, "more entries than the manifest says, 3"));
    assert_int_equal(result.keys, 3);
}

/* The database knows how many keys there may be; more could fill the disk. */
static void sorts_no_keys_of_an_archive_with_another_number_of_them(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("a", "2", "v1")};
    archive_entries(DATE, entries, SCB_LENGTH(entries), 1);
    assert_warned(1, "archive", "entries 0 and 1 have the same key");
    change_database("UPDATE backup_final_status SET total_keys = 1");
    assert_invalid("database", "1 keys in 2 pages; the manifest says 2 in 2");
    assert_int_equal(result.warnings, 0);
    assert_int_equal(result.problems, 1);
    assert_int_equal(result.keys, 2);
}

static void finds_a_database_that_says_otherwise(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *where, *what;
    } table[] = {
        {"UPDATE backup_final_status SET total_keys = 6", "database",
         "6 keys in 3 pages; the manifest says 5 in 3"},
        {"UPDATE backup_final_status SET checksum = lower(hex(zeroblob(32)))", "archive",
         "its SHA-256 is"},
        {"UPDATE backup_final_status SET file_size = 1", "archive", "the database says 1"},
        {"UPDATE backup_run SET block_number = 1", "database", "block 1 0xcdcd"},
        {"UPDATE backup_page_status SET keys_count = 1 WHERE page_number = 1", "database",
         "the row of page 1 is not"},
        {"UPDATE backup_page_status SET file_size = 1 WHERE page_number = 1", "database",
         "the row of page 1 is not"},
        {"UPDATE backup_page_status SET status = 'failed' WHERE page_number = 2", "database",
         "the row of page 2 is not"},
        {"UPDATE backup_page_status SET checksum = (SELECT checksum FROM backup_page_status"
         " WHERE page_number = 1) WHERE page_number = 0",
         "database", "the row of page 0 is not"},
        {"DELETE FROM backup_page_status WHERE page_number = 2", "database", "2 rows"},
        {"DELETE FROM backup_page_status WHERE page_number = 0", "database", "2 rows"},
        {"DELETE FROM backup_page_status", "database", "0 rows"},
        {"INSERT INTO backup_page_status (backup_date, page_number, status, keys_count, file_size,"
         " checksum) SELECT backup_date, 7, status, keys_count, file_size, checksum"
         " FROM backup_page_status WHERE page_number = 1",
         "database", "4 rows"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        archive_five(DATE);
        assert_valid();
        change_database(table[i].sql);
        assert_invalid(table[i].where, table[i].what);
        assert_int_equal(result.problems, 1);
        assert_ok(scb_catalog_delete(house.parts.catalog, DATE, &house.error));
    }
}

static void finds_what_latest_is(void **state)
{
    (void)state;
    archive_five("2024-01-14");
    struct scb_backup_record record = archive_five(DATE);
    char archive[512];
    assert_valid();
    (void)snprintf(archive, sizeof(archive), "%s", temp_path(archive_name("2024-01-14")));
    assert_int_equal(unlink(temp_path(LATEST)), 0);
    assert_warned(1, "latest/backup_latest.zip", "not there");
    assert_int_equal(link(archive, temp_path(LATEST)), 0);
    assert_warned(1, "latest/backup_latest.zip", "it is backup 2024-01-14");
    assert_int_equal(verify("2024-01-14"), SCB_VERIFY_VALID); /* not the newest: no word of it */
    assert_int_equal(result.warnings, 0);
    assert_int_equal(unlink(temp_path(LATEST)), 0);
    temp_write(LATEST, "some text");
    assert_invalid("latest/backup_latest.zip", "not the archive of any");
    /* A copy, where there are no hard links. */
    SCB_AUTO(buffer) struct scb_buffer bytes = {.max = 1 << 20};
    read_whole(archive_name(DATE), &bytes);
    int fd = open(temp_path(LATEST), O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, bytes.data, bytes.size), record.file_size);
    (void)close(fd);
    assert_valid();
}

/* --- what is odd --- */

static void keys_in_two_pages_are_warnings(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1"),
                                        entry_of("c", "3", "v1"), entry_of("b", "4", "v2")};
    archive_entries(DATE, entries, SCB_LENGTH(entries), 2);
    assert_warned(1, "archive", "entries 1 and 3 have the same key");
}

static void many_keys_in_two_pages_are_counted(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    static char keys[COUNT / 2][16];
    static struct scb_entry entries[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(keys[i % (COUNT / 2)], sizeof(keys[0]), "key %d", (int)(i % (COUNT / 2)));
        entries[i] = entry_of(keys[i % (COUNT / 2)], "v", "v");
    }
    settings.memory_limit = 0; /* the least: sorted on the disk */
    archive_entries(DATE, entries, COUNT, 1000);
    assert_warned(11, "archive", "30000 entries have the key of an entry in an earlier page");
}

static void the_manifests_warnings_must_be_those_of_the_pages(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("", "1", "v1"), entry_of("", "2", ""),
                                        entry_of("c", "3", "v1")};
    archived_warnings =
        (struct scb_warnings){.empty_keys = 2, .empty_versions = 1, .duplicate_keys = 1};
    archive_entries(DATE, entries, SCB_LENGTH(entries), 2);
    assert_valid();
    assert_int_equal(result.warnings, 0);
    archived_warnings.duplicate_keys = 0;
    archive_entries("2024-01-16", entries, SCB_LENGTH(entries), 2);
    assert_int_equal(verify("2024-01-16"), SCB_VERIFY_INVALID);
    assert_string_equal(result.first_problem.where, "archive manifest.json");
}

static void a_page_too_large_to_be_held_is_checked_too(void **state)
{
    (void)state;
    enum { LARGE = WHOLE_PAGE + 100000 };
    char *value = malloc(LARGE + 1);
    assert_non_null(value);
    for (size_t i = 0; i < LARGE; i++)
        value[i] = (char)('a' + i * i % 23);
    value[LARGE] = '\0';
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", value, "v1")};
    struct scb_backup_record record = archive_entries(DATE, entries, SCB_LENGTH(entries), 1);
    free(value);
    assert_valid();
    assert_int_equal(result.keys, 2);
    flip(archive_name(DATE), record.file_size / 2, 0x10);
    assert_invalid("archive page_1.json", "");
    flip(archive_name(DATE), record.file_size / 2, 0x10);
    flip("backups/" DATE "/page_1.json", LARGE / 2, 0x10);
    assert_invalid("file page_1.json", "its SHA-256 is not that of the manifest");
}

/* --- what could not be checked --- */

static void assert_not_checked(const char *date, enum scb_status cause)
{
    assert_int_equal(verify(date), SCB_VERIFY_NOT_CHECKED);
    assert_int_equal(result.error.status, cause);
    assert_int_equal(result.problems, 0);
}

static void what_cannot_be_looked_at_is_not_invalid(void **state)
{
    (void)state;
    struct scb_store_lock *lock = NULL;
    archive_five(DATE);
    assert_ok(scb_store_lock(house.parts.store, DATE, &clock_2024, &lock, &house.error));
    assert_not_checked(DATE, SCB_ERROR_BUSY);
    scb_store_unlock(lock);
    settings.limits.max_key_size = 1;
    assert_not_checked(DATE, SCB_ERROR_RESOURCE);
    settings.limits.max_key_size = 100;
    assert_not_checked("2024-01-13", SCB_ERROR_NOT_FOUND);
    start_backup("2024-01-16", 1);
    assert_not_checked("2024-01-16", SCB_ERROR_NOT_FOUND);
    assert_int_equal(unlink(temp_path(archive_name(DATE))), 0);
    assert_int_equal(mkdir(temp_path(archive_name(DATE)), 0700), 0);
    assert_not_checked(DATE, SCB_ERROR_FILE);
}

/* Something wrong was seen before it could go no further: that counts more. */
static void what_is_seen_to_be_wrong_is_invalid_whatever_else(void **state)
{
    (void)state;
    archive_five(DATE);
    flip(MANIFEST, 10, 1);
    settings.limits.max_key_size = 1;
    assert_invalid("file manifest.json", "");
    assert_int_equal(result.error.status, SCB_ERROR_RESOURCE);
}

static void stops_when_it_is_cancelled(void **state)
{
    (void)state;
    struct scb_cancel *cancel = NULL;
    archive_five(DATE);
    assert_ok(scb_cancel_new(&cancel, &house.error));
    scb_cancel_request(cancel);
    const struct scb_verify_parts parts = {.store = house.parts.store,
                                           .catalog = house.parts.catalog,
                                           .clock = &clock_2024,
                                           .cancel = cancel};
    scb_verify_run(&parts, &settings, DATE, &result);
    assert_int_equal(result.outcome, SCB_VERIFY_NOT_CHECKED);
    assert_int_equal(result.error.status, SCB_ERROR_CANCELED);
    scb_cancel_free(cancel);
}

/* --- encrypted and signed ones --- */

static struct scb_identity *signer;
static char signer_id[SCB_NODE_ID_TEXT_SIZE];

static int set_up_encrypted(void **state)
{
    int failed = set_up_verify(state);
    encrypt_from_now_on("key.txt");
    assert_ok(scb_identity_create(temp_path("identity"), 0, NULL, &signer, &house.error));
    assert_ok(scb_node_id_format(scb_identity_node_id(signer), signer_id, &house.error));
    archived_signer = signer;
    backup_keys = keys_of("key.txt", NULL);
    return failed;
}

static int tear_down_encrypted(void **state)
{
    archived_recipients.count = 0;
    archived_signer = NULL;
    scb_identity_free(signer);
    scb_backup_keys_free(backup_keys);
    backup_keys = NULL;
    return tear_down(state);
}

static void take_keys(const char *name, const char *trusted)
{
    const char *const list[] = {trusted, NULL};
    scb_backup_keys_free(backup_keys);
    backup_keys = keys_of(name, list);
}

static void an_encrypted_one_is_valid(void **state)
{
    (void)state;
    archive_five(DATE);
    assert_valid();
    assert_int_equal(result.keys, 5);
    assert_true(result.encrypted);
    assert_string_equal(result.unseen, "");
    assert_int_equal(result.signature, SCB_SIGNATURE_UNTRUSTED);
    assert_string_equal(result.signer, signer_id);
    assert_int_not_equal(access(temp_path("backups/" DATE "/keys.index"), F_OK), 0);
    take_keys(NULL, NULL);
    assert_valid();
    assert_int_equal(result.keys, 0);
    assert_int_equal(result.pages, 3);
    assert_non_null(strstr(result.unseen, "it is encrypted for age1"));
}

static void another_identity_could_not_check_it(void **state)
{
    (void)state;
    archive_five(DATE);
    encrypt_from_now_on("other.txt");
    take_keys("other.txt", NULL);
    assert_int_equal(verify(DATE), SCB_VERIFY_NOT_CHECKED);
    assert_int_equal(result.error.status, SCB_ERROR_ACCESS);
    assert_int_equal(result.pages, 3);
    change_database(FORGET_CHECKSUM);
    flip(archive_name(DATE), 100, 1); /* what it sees all the same */
    assert_invalid("archive page_0.json.gz.age", "its CRC");
}

static enum scb_status say_horse(void *state, const char *path, char *ret_text, size_t size,
                                 size_t *ret_size, struct scb_error *error)
{
    (void)state;
    (void)path;
    (void)size;
    (void)error;
    memcpy(ret_text, "horse", *ret_size = strlen("horse"));
    return SCB_OK;
}

/* Every sound backup would be invalid, or be looked at again and again, as if it were gone. */
static void an_identity_file_that_does_not_open_is_not_the_backups_fault(void **state)
{
    (void)state;
    archive_five(DATE);
    temp_write("cut.txt", "age-encryption.org/v1\n-> scrypt bBjlhJVYZeE4aqUdmtRHfw 10\n");
    static const struct {
        const char *name;
        enum scb_status status;
    } table[] = {{"cut.txt", SCB_ERROR_VALIDATION}, {"nowhere.txt", SCB_ERROR_FILE}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        const struct scb_backup_keys_settings with = {.identity_file = temp_path(table[i].name),
                                                      .ask = say_horse};
        scb_backup_keys_free(backup_keys);
        assert_ok(scb_backup_keys_new(&with, &backup_keys, &house.error));
        assert_int_equal(verify(DATE), SCB_VERIFY_NOT_CHECKED);
        assert_int_equal(result.error.status, table[i].status);
        assert_non_null(strstr(result.error.message, "encryption.identity_file"));
        assert_int_equal(result.pages, 3);
    }
}

static void finds_every_changed_byte_of_an_encrypted_archive(void **state)
{
    (void)state;
    struct scb_backup_record record = archive_five(DATE);
    change_database(FORGET_CHECKSUM);
    for (int with = 0; with < 2; with++) {
        take_keys(with ? "key.txt" : NULL, with ? signer_id : NULL);
        for (off_t i = 0; i < record.file_size; i++) {
            flip(archive_name(DATE), i, 0x20);
            if (verify(DATE) != SCB_VERIFY_INVALID)
                fail_msg("byte %d", (int)i);
            flip(archive_name(DATE), i, 0x20);
        }
        assert_valid();
    }
    assert_int_equal(result.signature, SCB_SIGNATURE_TRUSTED);
}

static void wants_the_signature_of_who_is_trusted(void **state)
{
    (void)state;
    struct scb_identity *other = NULL;
    char other_id[SCB_NODE_ID_TEXT_SIZE];
    assert_ok(scb_identity_create(temp_path("other"), 0, NULL, &other, &house.error));
    assert_ok(scb_node_id_format(scb_identity_node_id(other), other_id, &house.error));
    scb_identity_free(other);
    archive_five(DATE);
    take_keys("key.txt", other_id);
    assert_invalid("archive", "which is not trusted");
    assert_int_equal(result.signature, SCB_SIGNATURE_UNTRUSTED);
    assert_string_equal(result.signer, signer_id);
    archived_signer = NULL;
    archive_five("2024-01-16");
    assert_int_equal(verify("2024-01-16"), SCB_VERIFY_INVALID);
    assert_int_equal(result.signature, SCB_SIGNATURE_NONE);
    assert_non_null(strstr(result.first_problem.what, "nobody has signed it"));
}

static void compares_the_signature_beside_it(void **state)
{
    (void)state;
    archive_five(DATE);
    flip("backups/" DATE "/manifest.sig", 100, 1);
    assert_invalid("file manifest.sig", "not the one in the archive");
    assert_int_equal(unlink(temp_path("backups/" DATE "/manifest.sig")), 0);
    assert_warned(1, "manifest.sig", "not there; the archive has it");
}

#define ENCRYPTED(test_)                                                                           \
    cmocka_unit_test_setup_teardown(test_, set_up_encrypted, tear_down_encrypted)
#define VERIFIED(test_) cmocka_unit_test_setup_teardown(test_, set_up_verify, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VERIFIED(a_whole_backup_is_valid),
        VERIFIED(an_empty_one_is_valid),
        VERIFIED(finds_every_changed_byte_of_the_archive),
        VERIFIED(finds_them_without_the_databases_checksum_too),
        VERIFIED(finds_every_changed_byte_of_the_manifest_beside_it),
        VERIFIED(finds_every_changed_byte_of_a_page_file),
        VERIFIED(finds_an_archive_of_another_size_or_none),
        VERIFIED(finds_pages_that_are_in_another_form),
        VERIFIED(finds_entries_where_none_are_said_to_be),
        VERIFIED(looks_at_no_more_entries_than_are_said_to_be),
        VERIFIED(sorts_no_keys_of_an_archive_with_another_number_of_them),
        VERIFIED(finds_a_database_that_says_otherwise),
        VERIFIED(finds_what_latest_is),
        VERIFIED(keys_in_two_pages_are_warnings),
        VERIFIED(many_keys_in_two_pages_are_counted),
        VERIFIED(the_manifests_warnings_must_be_those_of_the_pages),
        VERIFIED(a_page_too_large_to_be_held_is_checked_too),
        VERIFIED(what_cannot_be_looked_at_is_not_invalid),
        VERIFIED(what_is_seen_to_be_wrong_is_invalid_whatever_else),
        VERIFIED(stops_when_it_is_cancelled),
        ENCRYPTED(an_encrypted_one_is_valid),
        ENCRYPTED(another_identity_could_not_check_it),
        ENCRYPTED(an_identity_file_that_does_not_open_is_not_the_backups_fault),
        ENCRYPTED(finds_every_changed_byte_of_an_encrypted_archive),
        ENCRYPTED(wants_the_signature_of_who_is_trusted),
        ENCRYPTED(compares_the_signature_beside_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
