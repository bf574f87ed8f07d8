/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/backup_reader: the newest backup or the named one, every entry in page order, pages
 * that are too large to be held, nothing out of a page with another checksum or of an archive that
 * is not the recorded one, a rewind, and the shared lock; the same of encrypted ones, with their
 * identity and not without.
 */
#include "archived.h"

#include "job/backup_reader.h"

#define DATE "2024-01-15"

enum { LARGE = WHOLE_PAGE + 100000 };

static struct scb_backup_reader *reader;
static bool check_sha256;
static struct scb_backup_keys *keys;

static enum scb_status open_reader(const char *date)
{
    struct scb_backup_reader_settings settings = {
        .backup_date = date,
        .limits = {.max_key_size = 64 << 10, .max_value_size = 16 << 20},
        .check_sha256 = check_sha256,
        .keys = keys};
    return scb_backup_reader_open(house.parts.store, house.parts.catalog, &settings, &reader,
                                  &house.error);
}

static bool next_entry(struct scb_entry *entry)
{
    bool more = false;
    assert_ok(scb_backup_reader_next(reader, &more, entry, &house.error));
    return more;
}

static void assert_next(uint64_t page, struct scb_entry expected)
{
    struct scb_entry entry;
    assert_true(next_entry(&entry));
    assert_int_equal(scb_backup_reader_page(reader), page);
    assert_int_equal(entry.key.size, expected.key.size);
    assert_memory_equal(entry.key.data, expected.key.data, expected.key.size);
    assert_int_equal(entry.value.size, expected.value.size);
    assert_memory_equal(entry.value.data, expected.value.data, expected.value.size);
    assert_int_equal(entry.version_id.size, expected.version_id.size);
    assert_memory_equal(entry.version_id.data, expected.version_id.data, expected.version_id.size);
}

/* It stays at the end. */
static void assert_end(void)
{
    struct scb_entry entry;
    assert_false(next_entry(&entry));
    assert_false(next_entry(&entry));
}

static void gives_every_entry_in_page_order(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1"),
                                        entry_of("c", "\xff", "v2"), entry_of("d", "4", "v1"),
                                        entry_of("e", "5", "v3")};
    archive_entries(DATE, entries, SCB_LENGTH(entries), 2);
    assert_ok(open_reader(NULL));
    assert_string_equal(scb_backup_reader_record(reader)->backup_date, DATE);
    assert_int_equal(scb_backup_reader_manifest(reader)->total_pages, 3);
    for (size_t i = 0; i < SCB_LENGTH(entries); i++)
        assert_next(i / 2, entries[i]);
    assert_end();
    scb_backup_reader_close(reader);
}

static void gives_nothing_of_an_empty_one(void **state)
{
    (void)state;
    archive_entries(DATE, NULL, 0, 100);
    assert_ok(open_reader(DATE));
    assert_end();
    scb_backup_reader_close(reader);
}

/* A page of one entry with a value of LARGE bytes, between two small ones. */
static void reads_pages_too_large_to_be_held(void **state)
{
    (void)state;
    char *value = malloc(LARGE + 1);
    assert_non_null(value);
    for (size_t i = 0; i < LARGE; i++)
        value[i] = (char)('a' + i * i % 23);
    value[LARGE] = '\0';
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", value, "v1"),
                                        entry_of("c", "3", "v1")};
    archive_entries(DATE, entries, SCB_LENGTH(entries), 1);
    assert_ok(open_reader(DATE));
    for (size_t i = 0; i < SCB_LENGTH(entries); i++)
        assert_next(i, entries[i]);
    assert_end();
    scb_backup_reader_close(reader);
    free(value);
}

static void takes_the_newest_or_the_named_one(void **state)
{
    (void)state;
    const struct scb_entry old = entry_of("a", "old", "v1"), new = entry_of("a", "new", "v2");
    archive_entries("2024-01-14", &old, 1, 1);
    archive_entries(DATE, &new, 1, 1);
    assert_ok(open_reader(NULL));
    assert_next(0, new);
    scb_backup_reader_close(reader);
    assert_ok(open_reader("2024-01-14"));
    assert_next(0, old);
    scb_backup_reader_close(reader);
    assert_int_equal(open_reader("2024-01-13"), SCB_ERROR_NOT_FOUND);
    assert_int_equal(open_reader("../../etc"), SCB_ERROR_VALIDATION);
    start_backup("2024-01-16", 1);
    assert_int_equal(open_reader("2024-01-16"), SCB_ERROR_NOT_FOUND);
    assert_non_null(strstr(house.error.message, "in_progress"));
}

static void gives_nothing_of_a_page_with_another_checksum(void **state)
{
    (void)state;
    bool more = true;
    struct scb_entry entry;
    wrong_checksums = true;
    make_backup(DATE, 2);
    wrong_checksums = false;
    assert_ok(open_reader(DATE));
    assert_int_equal(scb_backup_reader_next(reader, &more, &entry, &house.error),
                     SCB_ERROR_INTEGRITY);
    assert_non_null(
        strstr(house.error.message, "backup " DATE ": page_0.json: its SHA-256 is not"));
    scb_backup_reader_close(reader);
}

static void gives_no_more_entries_than_the_manifest_says(void **state)
{
    (void)state;
    bool more = true;
    struct scb_entry entry;
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1")};
    archive_said_to_have(DATE, 1, entries, SCB_LENGTH(entries));
    assert_ok(open_reader(DATE));
    assert_next(0, entries[0]);
    assert_int_equal(scb_backup_reader_next(reader, &more, &entry, &house.error),
                     SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "page_0.json: more entries than the manifest"));
    scb_backup_reader_close(reader);
}

/* A zip that agrees with itself on another size of its first page. */
static void forge_size(void)
{
    enum {
        LOCAL_SIZE = 22,
        DIRECTORY_SIZE = 24
    }; /* where headers have it (APPNOTE 4.3.7, 4.3.12) */
    SCB_AUTO(buffer) struct scb_buffer zip = {.max = 1 << 20};
    read_whole(archive_name(DATE), &zip);
    const uint8_t *directory = memmem(zip.data, zip.size, "PK\1\2", 4);
    assert_non_null(directory);
    flip(archive_name(DATE), LOCAL_SIZE, 1);
    flip(archive_name(DATE), directory - zip.data + DIRECTORY_SIZE, 1);
}

/* And inflates none of it: what is damaged there is not noticed. */
static void refuses_a_page_of_another_size_than_the_manifest_says(void **state)
{
    (void)state;
    bool more = true;
    struct scb_entry entry = entry_of("a", "1", "v1");
    archive_entries(DATE, &entry, 1, 1);
    forge_size();
    flip(archive_name(DATE), 60, 1);
    assert_ok(open_reader(DATE));
    assert_int_equal(scb_backup_reader_next(reader, &more, &entry, &house.error),
                     SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, " bytes, the manifest says "));
    scb_backup_reader_close(reader);
}

static void refuses_the_archive_of_another_backup(void **state)
{
    (void)state;
    const struct scb_entry entry = entry_of("a", "1", "v1");
    archive_entries("2024-01-14", &entry, 1, 1);
    archive_entries(DATE, &entry, 1, 1);
    char from[512];
    (void)snprintf(from, sizeof(from), "%s", temp_path(archive_name("2024-01-14")));
    assert_int_equal(rename(from, temp_path(archive_name(DATE))), 0);
    assert_int_equal(open_reader(DATE), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "backup 2024-01-14"));
}

/* Archives of a backup with one entry; the second one takes the first one's place. */
static void exchange_archives(const char *first, const char *second)
{
    const struct scb_entry old = entry_of("a", first, "v1"), new = entry_of("a", second, "v1");
    char from[512], to[512];
    archive_entries(DATE, &new, 1, 1);
    (void)snprintf(from, sizeof(from), "%s", temp_path("another.zip"));
    (void)snprintf(to, sizeof(to), "%s", temp_path(archive_name(DATE)));
    assert_int_equal(rename(to, from), 0);
    drop_database();
    archive_entries(DATE, &old, 1, 1);
    assert_int_equal(rename(from, to), 0);
}

/* As another store's would be: the same date, whole, and with the same size. */
static void refuses_an_archive_that_is_not_the_recorded_one(void **state)
{
    (void)state;
    exchange_archives("1", "2");
    assert_int_equal(temp_stat(archive_name(DATE)).st_size, get_backup(DATE).file_size);
    check_sha256 = true;
    assert_int_equal(open_reader(DATE), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "backup " DATE ": archive: its SHA-256 is "));
    check_sha256 = false; /* then only its size is looked at */
    assert_ok(open_reader(DATE));
    scb_backup_reader_close(reader);
}

static void refuses_an_archive_of_another_size(void **state)
{
    (void)state;
    exchange_archives("1", "another value, quite a bit longer");
    assert_int_equal(open_reader(DATE), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "bytes; the database says "));
}

static void takes_the_recorded_one(void **state)
{
    (void)state;
    const struct scb_entry entry = entry_of("a", "1", "v1");
    archive_entries(DATE, &entry, 1, 1);
    check_sha256 = true;
    assert_ok(open_reader(DATE));
    check_sha256 = false;
    assert_next(0, entry);
    assert_end();
    scb_backup_reader_close(reader);
}

/* Another file in its place changes nothing; the file itself must not have been written to. */
static void rewinds_to_the_file_that_was_checked(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1"),
                                        entry_of("c", "3", "v1")};
    char path[512], aside[512];
    archive_entries(DATE, entries, SCB_LENGTH(entries), 2);
    (void)snprintf(path, sizeof(path), "%s", temp_path(archive_name(DATE)));
    (void)snprintf(aside, sizeof(aside), "%s", temp_path("aside.zip"));
    check_sha256 = true;
    assert_ok(open_reader(DATE));
    check_sha256 = false;
    assert_next(0, entries[0]);
    assert_int_equal(rename(path, aside), 0);
    for (int i = 0; i < 2; i++) {
        assert_ok(scb_backup_reader_rewind(reader, &house.error));
        assert_int_equal(scb_backup_reader_manifest(reader)->total_keys, 3);
        for (size_t j = 0; j < SCB_LENGTH(entries); j++)
            assert_next(j / 2, entries[j]);
        assert_end();
    }
    const struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 1}};
    assert_int_equal(utimensat(AT_FDCWD, aside, times, 0), 0);
    assert_int_equal(scb_backup_reader_rewind(reader, &house.error), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "backup " DATE ": archive: it was written to"));
    scb_backup_reader_close(reader);
}

/* Whole, of the same size and with the times of the first: only its manifest tells. */
static void does_not_rewind_to_another_backup(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer first = {.max = 1 << 20}, second = {.max = 1 << 20};
    exchange_archives("1", "2");
    read_whole(archive_name(DATE), &second);
    assert_ok(scb_catalog_delete(house.parts.catalog, DATE, &house.error));
    const struct scb_entry entry = entry_of("a", "1", "v1");
    archive_entries(DATE, &entry, 1, 1);
    read_whole(archive_name(DATE), &first);
    assert_int_equal(first.size, second.size);
    check_sha256 = true;
    assert_ok(open_reader(DATE));
    check_sha256 = false;
    const struct stat before = temp_stat(archive_name(DATE));
    overwrite(archive_name(DATE), scb_buffer_bytes(&second));
    const struct timespec times[2] = {before.st_atim, before.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, temp_path(archive_name(DATE)), times, 0), 0);
    assert_int_equal(scb_backup_reader_rewind(reader, &house.error), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "backup " DATE ": archive: it was written to"));
    overwrite(archive_name(DATE), scb_buffer_bytes(&first));
    assert_int_equal(utimensat(AT_FDCWD, temp_path(archive_name(DATE)), times, 0), 0);
    assert_ok(scb_backup_reader_rewind(reader, &house.error));
    assert_next(0, entry);
    assert_end();
    scb_backup_reader_close(reader);
}

static void holds_the_shared_lock_until_it_is_closed(void **state)
{
    (void)state;
    const struct scb_entry entry = entry_of("a", "1", "v1");
    struct scb_store_lock *lock = NULL;
    archive_entries(DATE, &entry, 1, 1);
    assert_ok(scb_store_lock(house.parts.store, DATE, &clock_2024, &lock, &house.error));
    assert_int_equal(open_reader(DATE), SCB_ERROR_BUSY);
    scb_store_unlock(lock);
    assert_ok(open_reader(DATE));
    assert_int_equal(scb_store_lock(house.parts.store, DATE, &clock_2024, &lock, &house.error),
                     SCB_ERROR_BUSY);
    scb_backup_reader_close(reader);
    assert_ok(scb_store_lock(house.parts.store, DATE, &clock_2024, &lock, &house.error));
    scb_store_unlock(lock);
}

/* --- encrypted ones --- */

static int set_up_keys(void **state)
{
    int failed = set_up(state);
    encrypt_from_now_on("key.txt");
    keys = keys_of("key.txt", NULL);
    return failed;
}

static int tear_down_keys(void **state)
{
    archived_recipients.count = 0;
    scb_backup_keys_free(keys);
    keys = NULL;
    return tear_down(state);
}

static void decrypts_every_entry(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "\xff", "v1"),
                                        entry_of("c", "3", "v2")};
    archive_entries(DATE, entries, SCB_LENGTH(entries), 2);
    assert_ok(open_reader(DATE));
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < SCB_LENGTH(entries); i++)
            assert_next(i / 2, entries[i]);
        assert_end();
        assert_ok(scb_backup_reader_rewind(reader, &house.error));
    }
    assert_ok(scb_backup_reader_skip_to(reader, 1, &house.error));
    assert_next(1, entries[2]);
    scb_backup_reader_close(reader);
}

/* As if there had been no backup. */
static void start_over(void)
{
    assert_ok(scb_catalog_delete(house.parts.catalog, DATE, &house.error));
}

/* What deflates well is large only when it is opened; what does not is so before, held or not. */
static void decrypts_pages_too_large_to_be_held(void **state)
{
    (void)state;
    static const size_t sizes[] = {LARGE, 6 << 20, 15 << 20};
    for (size_t j = 0; j < SCB_LENGTH(sizes); j++) {
        uint64_t word = 1;
        const size_t size = sizes[j];
        const bool random = j > 0;
        char *value = malloc(size + 1);
        assert_non_null(value);
        for (size_t i = 0; i < size; i++) {
            word = word * UINT64_C(6364136223846793005) + 1442695040888963407u;
            value[i] = random ? (char)(' ' + (word >> 33) % 90) : 'a';
        }
        value[size] = '\0';
        const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", value, "v1"),
                                            entry_of("c", "3", "v1")};
        archive_entries(DATE, entries, SCB_LENGTH(entries), 1);
        assert_ok(open_reader(DATE));
        for (size_t i = 0; i < SCB_LENGTH(entries); i++)
            assert_next(i, entries[i]);
        assert_end();
        scb_backup_reader_close(reader);
        free(value);
        start_over();
    }
}

static void opens_nothing_without_the_identity(void **state)
{
    (void)state;
    char recipient[SCB_AGE_RECIPIENT_TEXT_SIZE];
    const struct scb_entry entry = entry_of("a", "1", "v1");
    archive_entries(DATE, &entry, 1, 1);
    scb_age_recipient_format(&archived_recipients.items[0], recipient);
    encrypt_from_now_on("other.txt"); /* that of another backup */
    static const char *const names[] = {NULL, "other.txt"};
    for (size_t i = 0; i < SCB_LENGTH(names); i++) {
        scb_backup_keys_free(keys);
        keys = keys_of(names[i], NULL);
        assert_int_equal(open_reader(DATE), SCB_ERROR_ACCESS);
        assert_non_null(strstr(house.error.message, recipient));
        assert_non_null(strstr(house.error.message, "encryption.identity_file"));
    }
}

/* The manifest lies: its recipient has the identity, the page is another's. */
static void finds_a_page_that_is_for_somebody_else(void **state)
{
    (void)state;
    bool more = false;
    struct scb_entry entry = entry_of("a", "1", "v1");
    const struct scb_age_recipients said = archived_recipients;
    encrypt_from_now_on("other.txt");
    said_recipients = &said;
    archive_entries(DATE, &entry, 1, 1);
    said_recipients = NULL;
    assert_ok(open_reader(DATE));
    assert_int_equal(scb_backup_reader_next(reader, &more, &entry, &house.error),
                     SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "not encrypted for the recipients"));
    scb_backup_reader_close(reader);
}

#define ENCRYPTED(test_) cmocka_unit_test_setup_teardown(test_, set_up_keys, tear_down_keys)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(gives_every_entry_in_page_order),
        IN_HOUSE(gives_nothing_of_an_empty_one),
        IN_HOUSE(reads_pages_too_large_to_be_held),
        IN_HOUSE(takes_the_newest_or_the_named_one),
        IN_HOUSE(gives_nothing_of_a_page_with_another_checksum),
        IN_HOUSE(gives_no_more_entries_than_the_manifest_says),
        IN_HOUSE(refuses_a_page_of_another_size_than_the_manifest_says),
        IN_HOUSE(refuses_the_archive_of_another_backup),
        IN_HOUSE(refuses_an_archive_that_is_not_the_recorded_one),
        IN_HOUSE(refuses_an_archive_of_another_size),
        IN_HOUSE(takes_the_recorded_one),
        IN_HOUSE(rewinds_to_the_file_that_was_checked),
        IN_HOUSE(does_not_rewind_to_another_backup),
        IN_HOUSE(holds_the_shared_lock_until_it_is_closed),
        ENCRYPTED(decrypts_every_entry),
        ENCRYPTED(decrypts_pages_too_large_to_be_held),
        ENCRYPTED(opens_nothing_without_the_identity),
        ENCRYPTED(finds_a_page_that_is_for_somebody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
