/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/copy and store's contains: a copy is the archive, byte for byte, read back before it
 * has its name; what stands there already is never written over; where anything goes wrong, in the
 * archive, on the way or at the other end, nothing is left. Encrypted and signed ones without the
 * identity.
 */
#include "archived.h"

#include <sys/statfs.h>
#include <sys/statvfs.h>

#include "job/copy.h"

#define DATE    "2024-01-15"
#define ARCHIVE "backup_" DATE ".zip"

static uint64_t free_bytes;            /* at the other end; 0: as many as the system says */
static const char *appears;            /* a file that somebody makes while the copy is verified */
static struct scb_run_progress copied; /* what was last said of the copying */
static struct scb_copy_result result;
static struct scb_backup_keys *backup_keys;
static struct scb_cancel *cancel;

int fstatvfs(int fd, struct statvfs *ret_space)
{
    struct statfs there;
    assert_int_equal(fstatfs(fd, &there), 0);
    *ret_space = (struct statvfs){.f_frsize = 1, .f_bavail = free_bytes};
    if (free_bytes == 0)
        *ret_space =
            (struct statvfs){.f_frsize = (unsigned long)there.f_frsize, .f_bavail = there.f_bavail};
    return 0;
}

/* Every look is a second later than the one before. */
static int64_t tick(void *state)
{
    (void)state;
    static int64_t time_ms = NOW_MS;
    return time_ms += 1000;
}

static const struct scb_clock ticking = {now_ms, tick, NULL};

static void watch(void *state, const struct scb_run_progress *progress)
{
    (void)state;
    if (strcmp(progress->activity, "Copy") == 0)
        copied = *progress;
    if (appears != NULL && strcmp(progress->activity, "Verification") == 0)
        temp_write(appears, "somebody's");
}

static enum scb_status copy(const char *date, const char *destination)
{
    const struct scb_reading_parts parts = {.store = house.parts.store,
                                            .catalog = house.parts.catalog,
                                            .keys = backup_keys,
                                            .clock = &ticking,
                                            .cancel = cancel,
                                            .observe = watch};
    const struct scb_verify_settings settings = {
        .limits = {.max_key_size = 64 << 10, .max_value_size = 16 << 20},
        .worker_concurrency = 2,
        .memory_limit = 16 << 20};
    const struct scb_copy_options options = {date, destination};
    house.error = (struct scb_error){0};
    result = (struct scb_copy_result){0};
    return scb_copy_run(&parts, &settings, &options, &result, &house.error);
}

static void assert_refused(const char *destination, enum scb_status status, const char *message)
{
    if (copy(DATE, destination) != status || strstr(house.error.message, message) == NULL)
        fail_msg("%s: %s: %s", destination, scb_status_name(house.error.status),
                 house.error.message);
    assert_true(house.error.hint[0] != '\0');
}

static void assert_same(const char *name)
{
    SCB_AUTO(buffer) struct scb_buffer archive = {.max = MAX_ARCHIVED_PAGE};
    SCB_AUTO(buffer) struct scb_buffer found = {.max = MAX_ARCHIVED_PAGE};
    read_whole(archive_name(DATE), &archive);
    read_whole(name, &found);
    assert_int_equal(found.size, archive.size);
    assert_memory_equal(found.data, archive.data, archive.size);
    assert_int_equal(temp_mode(name), 0600);
}

static struct scb_backup_record archive_three(void)
{
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1"),
                                        entry_of("c", "\xff", "v2")};
    temp_mkdir("there");
    return archive_entries(DATE, entries, SCB_LENGTH(entries), 2);
}

static void goes_into_a_directory_or_to_a_new_file(void **state)
{
    (void)state;
    struct scb_backup_record record = archive_three();
    assert_ok(copy(DATE, temp_path("there")));
    assert_same("there/" ARCHIVE);
    assert_string_equal(result.path, temp_path("there/" ARCHIVE));
    assert_string_equal(result.checksum, record.checksum);
    assert_int_equal(result.size, record.file_size);
    assert_int_equal(result.verified.outcome, SCB_VERIFY_VALID);
    assert_int_equal(result.verified.keys, 3);
    assert_false(result.was_there);
    assert_true(result.verified.duration_ms > 0);
    assert_string_equal(copied.backup_date, DATE);
    assert_int_equal(copied.pages, 2);
    assert_int_equal(copied.total_pages, 2);
    assert_int_equal(copied.keys, 3);
    assert_ok(copy(NULL, temp_path("there/mine.zip")));
    assert_same("there/mine.zip");
    assert_int_equal(unlink(temp_path("there/mine.zip")), 0);
    temp_link("there", "way");
    temp_mkdir("there/more");
    assert_ok(copy(DATE, temp_path("way/more/")));
    assert_string_equal(result.path, temp_path("way/more/" ARCHIVE));
    assert_string_equal(temp_list("there"), ARCHIVE " more");
    assert_string_equal(temp_list("there/more"), ARCHIVE);
}

static void takes_an_equal_one_for_the_copy(void **state)
{
    (void)state;
    archive_three();
    assert_ok(copy(DATE, temp_path("there")));
    struct stat before = temp_stat("there/" ARCHIVE);
    assert_ok(copy(DATE, temp_path("there")));
    assert_true(result.was_there);
    assert_int_equal(result.verified.outcome, SCB_VERIFY_VALID);
    assert_int_equal(temp_stat("there/" ARCHIVE).st_ino, before.st_ino);
    assert_string_equal(temp_list("there"), ARCHIVE);
}

static void never_writes_over_another_file(void **state)
{
    (void)state;
    struct scb_backup_record record = archive_three();
    temp_write("there/" ARCHIVE, "somebody's");
    assert_refused(temp_path("there"), SCB_ERROR_VALIDATION, "is there and is another file");
    assert_string_equal(temp_read("there/" ARCHIVE), "somebody's");
    assert_ok(copy(DATE, temp_path("there/mine")));
    flip("there/mine", record.file_size / 2, 1);
    assert_refused(temp_path("there/mine"), SCB_ERROR_VALIDATION, "is there and is another file");
    flip("there/mine", record.file_size / 2, 1);
    assert_same("there/mine");
    assert_string_equal(temp_list("there"), ARCHIVE " mine");
}

static void not_even_where_that_appears_at_the_last_moment(void **state)
{
    (void)state;
    archive_three();
    appears = "there/" ARCHIVE;
    assert_refused(temp_path("there"), SCB_ERROR_FILE, "is there already");
    appears = NULL;
    assert_string_equal(temp_read("there/" ARCHIVE), "somebody's");
    assert_string_equal(temp_list("there"), ARCHIVE);
}

static void goes_nowhere_else(void **state)
{
    (void)state;
    archive_three();
    temp_link("../file", "there/link");
    temp_link("nowhere", "there/dangling");
    temp_link("../backups/" DATE, "there/inside");
    assert_int_equal(mkfifo(temp_path("there/fifo"), 0600), 0);
    const char *before = temp_list("backups/" DATE);
    char inside[512];
    (void)snprintf(inside, sizeof(inside), "%s", before);
    static const struct {
        const char *to;
        enum scb_status status;
        const char *message;
    } table[] = {
        {"there/link", SCB_ERROR_VALIDATION, "is a symbolic link"},
        {"there/dangling", SCB_ERROR_VALIDATION, "is a symbolic link"},
        {"there/fifo", SCB_ERROR_VALIDATION, "is no regular file"},
        {"there/no/", SCB_ERROR_VALIDATION, "is no directory that is there"},
        {"there/no/file", SCB_ERROR_NOT_FOUND, "not opened"},
        {"backups", SCB_ERROR_VALIDATION, "lies in backup.backup_dir"},
        {"backups/new", SCB_ERROR_VALIDATION, "lies in backup.backup_dir"},
        {"backups/" DATE "/new", SCB_ERROR_VALIDATION, "lies in backup.backup_dir"},
        {"there/inside", SCB_ERROR_VALIDATION, "lies in backup.backup_dir"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++)
        assert_refused(temp_path(table[i].to), table[i].status, table[i].message);
    assert_refused("", SCB_ERROR_VALIDATION, "no directory");
    assert_string_equal(temp_list("there"), "dangling fifo inside link");
    assert_string_equal(temp_list("backups/" DATE), inside);
    assert_string_equal(temp_list("backups"), DATE " latest");
}

static void takes_completed_backups_only(void **state)
{
    (void)state;
    archive_three();
    start_backup("2024-01-16", 1);
    assert_int_equal(copy("2024-01-16", temp_path("there")), SCB_ERROR_NOT_FOUND);
    assert_int_equal(copy("2024-01-14", temp_path("there")), SCB_ERROR_NOT_FOUND);
    assert_int_equal(copy("../there", temp_path("there")), SCB_ERROR_VALIDATION);
    assert_string_equal(temp_list("there"), "");
}

static void waits_for_nobody_who_works_on_it(void **state)
{
    (void)state;
    struct scb_store_lock *lock = NULL;
    archive_three();
    assert_ok(scb_store_lock(house.parts.store, DATE, &clock_2024, &lock, &house.error));
    assert_int_equal(copy(DATE, temp_path("there")), SCB_ERROR_BUSY);
    scb_store_unlock(lock);
    assert_ok(copy(DATE, temp_path("there")));
}

static void copies_no_damaged_archive(void **state)
{
    (void)state;
    struct scb_backup_record record = archive_three();
    const char *there = temp_path("there");
    flip(archive_name(DATE), record.file_size / 3, 1);
    assert_refused(there, SCB_ERROR_INTEGRITY, "its SHA-256 is");
    /* Only what the archive says itself is left to tell. */
    change_database("UPDATE backup_final_status SET checksum = NULL");
    assert_refused(temp_path("there"), SCB_ERROR_INTEGRITY, "the copy of backup " DATE);
    flip(archive_name(DATE), record.file_size / 3, 1);
    assert_int_equal(truncate(temp_path(archive_name(DATE)), record.file_size - 1), 0);
    assert_refused(temp_path("there"), SCB_ERROR_INTEGRITY, "bytes; the database says");
    assert_string_equal(temp_list("there"), "");
}

static void needs_no_checksum_in_the_database(void **state)
{
    (void)state;
    struct scb_backup_record record = archive_three();
    change_database("UPDATE backup_final_status SET checksum = NULL, file_size = NULL");
    assert_ok(copy(DATE, temp_path("there")));
    assert_same("there/" ARCHIVE);
    assert_string_equal(result.checksum, record.checksum);
    assert_ok(copy(DATE, temp_path("there")));
    assert_true(result.was_there);
}

/* The disk there has stored another byte than it was given. */
static void reads_the_copy_back_before_it_has_its_name(void **state)
{
    (void)state;
    archive_three();
    calls_reset();
    spoil_write_at = 1;
    assert_refused(temp_path("there"), SCB_ERROR_INTEGRITY, "the copy of backup " DATE);
    assert_int_equal(spoil_write_at, 0);
    assert_null(strchr(calls_made, 'r'));
    assert_string_equal(temp_list("there"), "");
}

static void leaves_nothing_where_it_cannot_be_written(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int errnum;
        enum scb_status status;
        const char *message;
    } table[] = {{CALL_WRITE, ENOSPC, SCB_ERROR_RESOURCE, "not written: No space left"},
                 {CALL_WRITE, EIO, SCB_ERROR_FILE, "not written: Input/output error"},
                 {CALL_SYNC, EIO, SCB_ERROR_FILE, "not synced"},
                 {CALL_RENAME, EROFS, SCB_ERROR_FILE, "not renamed"}};
    archive_three();
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        calls_reset();
        calls_fail(table[i].call, 1, table[i].errnum);
        assert_refused(temp_path("there"), table[i].status, table[i].message);
        assert_non_null(strstr(house.error.message, "copy '"));
        assert_null(strstr(house.error.hint, "backup_dir"));
        assert_string_equal(temp_list("there"), "");
    }
}

static void begins_only_where_there_is_room(void **state)
{
    (void)state;
    struct scb_backup_record record = archive_three();
    free_bytes = (uint64_t)record.file_size - 1;
    calls_reset();
    assert_refused(temp_path("there"), SCB_ERROR_RESOURCE, "free there, the archive takes");
    assert_null(strchr(calls_made, 'w'));
    assert_string_equal(temp_list("there"), "");
    free_bytes++;
    assert_ok(copy(DATE, temp_path("there")));
    free_bytes = 0;
}

static void leaves_nothing_where_it_is_cancelled(void **state)
{
    (void)state;
    archive_three();
    assert_ok(scb_cancel_new(&cancel, &house.error));
    scb_cancel_request(cancel);
    assert_int_equal(copy(DATE, temp_path("there")), SCB_ERROR_CANCELED);
    assert_string_equal(temp_list("there"), "");
    scb_cancel_free(cancel);
    cancel = NULL;
}

/* --- encrypted and signed --- */

static void needs_no_identity_and_heeds_whom_it_trusts(void **state)
{
    (void)state;
    struct scb_identity *signer = NULL, *other = NULL;
    char other_id[SCB_NODE_ID_TEXT_SIZE];
    const char *const trusted[] = {other_id, NULL};
    encrypt_from_now_on("key.txt");
    assert_ok(scb_identity_create(temp_path("signer"), 0, NULL, &signer, &house.error));
    assert_ok(scb_identity_create(temp_path("other"), 0, NULL, &other, &house.error));
    assert_ok(scb_node_id_format(scb_identity_node_id(other), other_id, &house.error));
    archived_signer = signer;
    archive_three();
    archived_signer = NULL;
    encrypt_from_now_on("others.txt");
    archived_recipients.count = 0;
    static const struct {
        const char *identity, *to;
        bool seen;
    } table[] = {{NULL, "there/1", false},
                 {"key.txt", "there/2", true},
                 {"others.txt", "there/3", false},
                 {"nowhere.txt", "there/4", false}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        backup_keys = keys_of(table[i].identity, NULL);
        assert_ok(copy(DATE, temp_path(table[i].to)));
        assert_same(table[i].to);
        assert_int_equal(result.verified.outcome, SCB_VERIFY_VALID);
        assert_int_equal(result.verified.signature, SCB_SIGNATURE_UNTRUSTED);
        assert_int_equal(result.verified.unseen[0] == '\0', table[i].seen);
        assert_int_equal(result.verified.keys, table[i].seen ? 3 : 0);
        scb_backup_keys_free(backup_keys);
    }
    backup_keys = keys_of(NULL, trusted);
    assert_refused(temp_path("there/5"), SCB_ERROR_INTEGRITY, "not trusted");
    assert_string_equal(temp_list("there"), "1 2 3 4");
    scb_backup_keys_free(backup_keys);
    backup_keys = NULL;
    scb_identity_free(signer);
    scb_identity_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(goes_into_a_directory_or_to_a_new_file),
        IN_HOUSE(takes_an_equal_one_for_the_copy),
        IN_HOUSE(never_writes_over_another_file),
        IN_HOUSE(not_even_where_that_appears_at_the_last_moment),
        IN_HOUSE(goes_nowhere_else),
        IN_HOUSE(takes_completed_backups_only),
        IN_HOUSE(waits_for_nobody_who_works_on_it),
        IN_HOUSE(copies_no_damaged_archive),
        IN_HOUSE(needs_no_checksum_in_the_database),
        IN_HOUSE(reads_the_copy_back_before_it_has_its_name),
        IN_HOUSE(leaves_nothing_where_it_cannot_be_written),
        IN_HOUSE(begins_only_where_there_is_room),
        IN_HOUSE(leaves_nothing_where_it_is_cancelled),
        IN_HOUSE(needs_no_identity_and_heeds_whom_it_trusts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
