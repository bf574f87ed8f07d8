/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/test_restore and entries_db: a drill that passes, one on a damaged archive, one that
 * cannot be done, each recorded as what it was; a scratch database that was changed is found; and
 * nothing is left in TMPDIR. Of encrypted backups the scratch database is in memory.
 */
#include <dlfcn.h>
#include <sqlite3.h>

#include "archived.h"

#include "job/entries_db.h"
#include "job/test_restore.h"

#define DATE "2024-01-15"

/* What is done to the scratch database before it is closed; NULL: nothing. */
static const char *change;

/* Stands before SQLite's own. */
int sqlite3_close(sqlite3 *database)
{
    int (*own)(sqlite3 *) = NULL;
    *(void **)&own = dlsym(RTLD_NEXT, "sqlite3_close");
    if (change != NULL && sqlite3_db_readonly(database, "main") == 0)
        assert_int_equal(sqlite3_exec(database, change, NULL, NULL, NULL), SQLITE_OK);
    return own(database);
}

static bool no_text;

/* Stands before SQLite's own. */
const unsigned char *sqlite3_column_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *(*own)(sqlite3_stmt *, int) = NULL;
    *(void **)&own = dlsym(RTLD_NEXT, "sqlite3_column_text");
    return no_text ? NULL : own(statement, column);
}

static struct scb_restore_test_result result;
static struct scb_check_record recorded;
static int records;
static char tmpdir_before[512];
static struct scb_backup_keys *backup_keys;
static size_t memory_limit;

static int set_up_scratch(void **state)
{
    int failed = set_up(state);
    temp_mkdir("scratch");
    (void)snprintf(tmpdir_before, sizeof(tmpdir_before), "%s",
                   getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
    assert_int_equal(setenv("TMPDIR", temp_path("scratch"), 1), 0);
    return failed;
}

static int tear_down_scratch(void **state)
{
    assert_string_equal(temp_list("scratch"), "");
    assert_int_equal(setenv("TMPDIR", tmpdir_before, 1), 0);
    return tear_down(state);
}

static enum scb_status drill(const char *date, size_t max_key_size)
{
    const struct scb_reading_parts parts = {
        .store = house.parts.store,
        .catalog = house.parts.catalog,
        .keys = backup_keys,
        .limits = {.max_key_size = max_key_size, .max_value_size = 16 << 20},
        .memory_limit = memory_limit,
        .clock = &clock_2024};
    return scb_test_restore_run(&parts, date, &result, &house.error);
}

static enum scb_status note(void *state, const struct scb_check_record *check,
                            struct scb_error *error)
{
    (void)state;
    (void)error;
    recorded = *check;
    records++;
    return SCB_OK;
}

static void assert_recorded(enum scb_verify_outcome outcome, uint64_t keys, const char *message)
{
    records = 0;
    assert_ok(scb_catalog_checks(house.parts.catalog, DATE, note, NULL, &house.error));
    assert_int_equal(records, 1);
    assert_int_equal(recorded.kind, SCB_CHECK_TEST_RESTORE);
    assert_int_equal(recorded.outcome, outcome);
    assert_int_equal(recorded.keys, keys);
    assert_int_equal(recorded.checked_at_ms, NOW_MS);
    if (strstr(recorded.message, message) == NULL)
        fail_msg("%s", recorded.message);
}

static void archive_odd(void)
{
    static const uint8_t odd[] = {0, 'a', 0, 0xff, 0x80};
    const struct scb_bytes bytes = {odd, sizeof(odd)}, nul = {odd, 3}, none = {odd, 0};
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), {bytes, nul, none},
                                        {none, bytes, nul},       {nul, none, bytes},
                                        entry_of("a", "1", "v1"), entry_of("e", "", "")};
    archive_entries(DATE, entries, SCB_LENGTH(entries), 4);
}

static void a_drill_that_passes_is_recorded(void **state)
{
    (void)state;
    archive_odd();
    for (int i = 0; i < 2; i++) { /* the last one counts */
        assert_ok(drill(i == 0 ? NULL : DATE, 100));
        assert_string_equal(result.backup_date, DATE);
        assert_int_equal(result.outcome, SCB_VERIFY_VALID);
        assert_int_equal(result.keys, 6);
        assert_int_equal(result.bytes, 4 + 8 + 8 + 8 + 4 + 1);
        assert_recorded(SCB_VERIFY_VALID, 6, "");
    }
}

/* One that was killed has left its database; the other is somebody's. */
static void what_a_killed_one_has_left_goes(void **state)
{
    (void)state;
    archive_odd();
    temp_write("scratch/.satellite-0123456789abcdef.tmp", "a key, a value");
    temp_write("scratch/.satellite-notes.tmp", "notes");
    assert_ok(drill(DATE, 100));
    assert_string_equal(temp_list("scratch"), ".satellite-notes.tmp");
    assert_int_equal(unlink(temp_path("scratch/.satellite-notes.tmp")), 0);
}

static void a_damaged_archive_fails_it(void **state)
{
    (void)state;
    archive_odd();
    flip(archive_name(DATE), 70, 1);
    assert_int_equal(drill(DATE, 100), SCB_ERROR_INTEGRITY);
    assert_int_equal(result.outcome, SCB_VERIFY_INVALID);
    assert_recorded(SCB_VERIFY_INVALID, 0, "its SHA-256 is");
}

static void a_restored_entry_that_is_not_the_backups_fails_it(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *message;
        uint64_t keys;
    } table[] = {
        {"UPDATE entries SET key = 'b' WHERE position = 0", "entry 0 has another key", 0},
        {"UPDATE entries SET value = x'00' WHERE position = 2", "entry 2 has another value", 2},
        {"UPDATE entries SET version_id = 'v2' WHERE position = 4", "entry 4 has another version",
         4},
        {"DELETE FROM entries WHERE position = 5", "entry 5 is missing", 5},
        {"INSERT INTO entries VALUES (6, 'f', '', '')", "an entry 6 that the backup", 6},
    };
    archive_odd();
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        change = table[i].sql;
        assert_int_equal(drill(DATE, 100), SCB_ERROR_INTEGRITY);
        change = NULL;
        assert_recorded(SCB_VERIFY_INVALID, table[i].keys, table[i].message);
    }
}

static void what_cannot_be_done_is_no_failed_drill(void **state)
{
    (void)state;
    archive_odd();
    assert_int_equal(drill(DATE, 1), SCB_ERROR_RESOURCE);
    assert_int_equal(result.outcome, SCB_VERIFY_NOT_CHECKED);
    assert_recorded(SCB_VERIFY_NOT_CHECKED, 0, "more than 1 bytes");
    assert_int_equal(drill("2024-01-14", 100), SCB_ERROR_NOT_FOUND);
    assert_int_equal(drill("no date", 100), SCB_ERROR_VALIDATION);
    assert_ok(scb_catalog_delete(house.parts.catalog, DATE, &house.error));
    records = 0;
    assert_ok(scb_catalog_checks(house.parts.catalog, DATE, note, NULL, &house.error));
    assert_int_equal(records, 0); /* they go with their backup */
}

/* --- of an encrypted backup, in memory --- */

static int set_up_encrypted(void **state)
{
    int failed = set_up_scratch(state);
    encrypt_from_now_on("key.txt");
    backup_keys = keys_of("key.txt", NULL);
    memory_limit = 16 << 20;
    return failed;
}

static int tear_down_encrypted(void **state)
{
    archived_recipients.count = 0;
    scb_backup_keys_free(backup_keys);
    backup_keys = NULL;
    return tear_down_scratch(state);
}

static void one_that_does_not_fit_into_memory_cannot_be_done(void **state)
{
    (void)state;
    static char value[1 << 20];
    memset(value, 'v', sizeof(value) - 1);
    struct scb_entry entries[16];
    for (size_t i = 0; i < SCB_LENGTH(entries); i++)
        entries[i] = entry_of("a", value, "v1");
    archive_entries(DATE, entries, SCB_LENGTH(entries), 4);
    memory_limit = 32 << 20;
    (void)sqlite3_memory_highwater(1);
    assert_ok(drill(DATE, 100));
    assert_in_range(sqlite3_memory_highwater(1), 16 << 20, memory_limit);
    memory_limit = 16 << 20; /* of which it may take three quarters */
    assert_int_equal(drill(DATE, 100), SCB_ERROR_RESOURCE);
    assert_non_null(strstr(house.error.hint, "backup.memory_limit"));
    assert_recorded(SCB_VERIFY_NOT_CHECKED, 0, "in memory");
}

static void one_without_the_identity_cannot_be_done(void **state)
{
    (void)state;
    archive_odd();
    scb_backup_keys_free(backup_keys);
    backup_keys = NULL;
    assert_int_equal(drill(DATE, 100), SCB_ERROR_ACCESS);
    assert_recorded(SCB_VERIFY_NOT_CHECKED, 0, "it is encrypted for age1");
}

#define ENCRYPTED(test_)                                                                           \
    cmocka_unit_test_setup_teardown(test_, set_up_encrypted, tear_down_encrypted)

/* --- the database itself --- */

static const struct scb_entry three[] = {{{(const uint8_t *)"a", 1}, {NULL, 0}, {NULL, 0}},
                                         {{(const uint8_t *)"b", 1}, {NULL, 0}, {NULL, 0}},
                                         {{(const uint8_t *)"c", 1}, {NULL, 0}, {NULL, 0}}};

static struct scb_entries_db *db;

static void write_three(void)
{
    struct scb_manifest manifest = sample_manifest(DATE, 3);
    const struct scb_entries_db_place place = {.path = temp_path("entries.db")};
    assert_ok(scb_entries_db_create(&place, &manifest, &db, &house.error));
    for (size_t i = 0; i < SCB_LENGTH(three); i++)
        assert_ok(scb_entries_db_add(db, &three[i], &house.error));
    assert_ok(scb_entries_db_finish(db, &house.error));
    scb_entries_db_close(db);
}

static void entries_come_back_in_their_order(void **state)
{
    (void)state;
    bool more = false;
    struct scb_entry entry;
    write_three();
    const struct scb_entries_db_place place = {.path = temp_path("entries.db")};
    assert_ok(scb_entries_db_open(&place, &db, &house.error));
    for (size_t i = 0; i < SCB_LENGTH(three); i++) {
        assert_ok(scb_entries_db_next(db, &more, &entry, &house.error));
        assert_true(more);
        assert_int_equal(entry.key.size, 1);
        assert_memory_equal(entry.key.data, three[i].key.data, 1);
        assert_int_equal(entry.value.size, 0);
    }
    assert_ok(scb_entries_db_next(db, &more, &entry, &house.error));
    assert_false(more);
    scb_entries_db_close(db);
}

static void a_lack_of_memory_is_no_harm(void **state)
{
    (void)state;
    write_three();
    const struct scb_entries_db_place place = {.path = temp_path("entries.db")};
    no_text = true;
    enum scb_status status = scb_entries_db_open(&place, &db, &house.error);
    no_text = false;
    assert_int_equal(status, SCB_ERROR_RESOURCE);
}

static void a_harmed_database_is_found(void **state)
{
    (void)state;
    write_three();
    flip("entries.db", 5000, 0xff);
    for (off_t i = 0; i < 8; i++)
        flip("entries.db", 4096 + i, 0xff); /* the head of its first table */
    assert_int_equal(
        scb_entries_db_open(&(struct scb_entries_db_place){.path = temp_path("entries.db")}, &db,
                            &house.error),
        SCB_ERROR_INTEGRITY);
    assert_int_equal(truncate(temp_path("entries.db"), 10), 0);
    assert_int_equal(
        scb_entries_db_open(&(struct scb_entries_db_place){.path = temp_path("entries.db")}, &db,
                            &house.error),
        SCB_ERROR_INTEGRITY);
    assert_int_equal(
        scb_entries_db_open(&(struct scb_entries_db_place){.path = temp_path("none.db")}, &db,
                            &house.error),
        SCB_ERROR_FILE);
}

#define IN_SCRATCH(test_) cmocka_unit_test_setup_teardown(test_, set_up_scratch, tear_down_scratch)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_drill_that_passes_is_recorded),
        IN_SCRATCH(what_a_killed_one_has_left_goes),
        IN_SCRATCH(a_damaged_archive_fails_it),
        IN_SCRATCH(a_restored_entry_that_is_not_the_backups_fails_it),
        IN_SCRATCH(what_cannot_be_done_is_no_failed_drill),
        ENCRYPTED(a_drill_that_passes_is_recorded),
        ENCRYPTED(a_restored_entry_that_is_not_the_backups_fails_it),
        ENCRYPTED(one_that_does_not_fit_into_memory_cannot_be_done),
        ENCRYPTED(one_without_the_identity_cannot_be_done),
        IN_SCRATCH(entries_come_back_in_their_order),
        IN_SCRATCH(a_lack_of_memory_is_no_harm),
        IN_SCRATCH(a_harmed_database_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
