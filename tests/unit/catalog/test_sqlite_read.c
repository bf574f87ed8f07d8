/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The database as an outside file: values of the wrong type, size and form, a schema with code in
 * it, damaged bytes. All of it is a DatabaseError at worst.
 */
#include "fixture.h"

/* Everything that reads, until something fails. */
static enum scb_status read_all(struct scb_catalog *catalog, struct scb_error *error)
{
    struct kept_backups backups = {0};
    struct kept_pages pages = {0};
    struct scb_backup_record backup;
    struct scb_run_record run;
    enum scb_status status = scb_catalog_list(catalog, KEPT_MAX, keep_backup, &backups, error);
    if (status == SCB_OK)
        status = scb_catalog_pages(catalog, DATE, keep_page, &pages, error);
    if (status == SCB_OK)
        status = scb_catalog_get_run(catalog, DATE, &run, error);
    if (status == SCB_OK)
        status = scb_catalog_newest(catalog, true, &backup, error);
    return status == SCB_OK ? scb_catalog_get(catalog, DATE, &backup, error) : status;
}

/* A completed backup with two pages, one of them with warnings. */
static void fill(struct fixture *fixture)
{
    struct scb_page_record pages[] = {sample_page(0), sample_page(1)};
    pages[1].empty_keys = 1;
    start(fixture, DATE);
    assert_ok(scb_catalog_record_pages(fixture->catalog, DATE, pages, 2, &fixture->error));
    complete(fixture, DATE);
}

/* What is put into a column in turn; each is a DatabaseError that names the column. */
static const struct {
    const char *table, *column, *value;
} bad_values[] = {
    {"backup_final_status", "backup_date", "'../../etc'"},
    {"backup_final_status", "backup_date", "'2024-13-01'"},
    {"backup_final_status", "backup_date", "NULL"},
    {"backup_final_status", "backup_date", "printf('%0300d', 1)"},
    {"backup_final_status", "status", "'done'"},
    {"backup_final_status", "status", "''"},
    {"backup_final_status", "status", "x'636f6d706c65746564'"},
    {"backup_final_status", "created_at", "'2024-01-15 08:30:00'"},
    {"backup_final_status", "created_at", "1705307400"},
    {"backup_final_status", "completed_at", "'1890-01-01T00:00:00Z'"},
    {"backup_final_status", "total_pages", "-1"},
    {"backup_final_status", "total_keys", "1.5"},
    {"backup_final_status", "file_size", "'big'"},
    {"backup_final_status", "file_size", "9223372036854775808"},
    {"backup_final_status", "backup_file_path", "printf('%0256d', 1)"},
    {"backup_final_status", "backup_file_path", "'a' || char(0) || 'b'"},
    {"backup_final_status", "error_message", "zeroblob(10)"},
    {"backup_final_status", "checksum", "'abc'"},
    {"backup_final_status", "checksum", "printf('%065d', 0)"},
    {"backup_final_status", "checksum", "printf('%063d', 0) || 'g'"},
    {"backup_run", "chain_id", "-1"},
    {"backup_run", "contract", "printf('%042d', 0)"},
    {"backup_run", "contract", "'0x12'"},
    {"backup_run", "block_number", "'0x10'"},
    {"backup_run", "block_hash", "''"},
    {"backup_run", "generation", "1e300"},
    {"backup_run", "run_id", "printf('%017d', 1)"},
    {"backup_page_status", "page_number", "-1"},
    {"backup_page_status", "page_number", "NULL"},
    {"backup_page_status", "status", "'half'"},
    {"backup_page_status", "completed_at", "'yesterday'"},
    {"backup_page_status", "keys_count", "-3"},
    {"backup_page_status", "file_size", "x'00'"},
    {"backup_page_status", "error_message", "x'00'"},
    {"backup_page_status", "checksum", "NULL"},
    {"backup_page_status", "checksum", "'0000'"},
    {"backup_page_warning", "empty_keys", "-1"},
    {"backup_page_warning", "duplicate_keys", "0.5"},
};

static void checks_every_value(void **state)
{
    struct fixture *fixture = *state;
    fill(fixture);
    assert_ok(read_all(fixture->catalog, &fixture->error));
    sqlite3 *db = open_beside(fixture);
    for (size_t i = 0; i < sizeof(bad_values) / sizeof(bad_values[0]); i++) {
        char sql[300];
        (void)snprintf(sql, sizeof(sql),
                       "CREATE TABLE saved AS SELECT * FROM %s; UPDATE OR REPLACE %s SET %s = %s",
                       bad_values[i].table, bad_values[i].table, bad_values[i].column,
                       bad_values[i].value);
        run_sql(db, sql);
        if (read_all(fixture->catalog, &fixture->error) != SCB_ERROR_DATABASE)
            fail_msg("%s.%s = %s", bad_values[i].table, bad_values[i].column, bad_values[i].value);
        assert_non_null(strstr(fixture->error.message, bad_values[i].column));
        assert_non_null(strstr(fixture->error.hint, "manifests"));
        (void)snprintf(sql, sizeof(sql),
                       "DELETE FROM %s; INSERT INTO %s SELECT * FROM saved; DROP TABLE saved",
                       bad_values[i].table, bad_values[i].table);
        run_sql(db, sql);
        assert_ok(read_all(fixture->catalog, &fixture->error));
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void refuses_a_generation_without_a_next(void **state)
{
    struct fixture *fixture = *state;
    struct scb_run_record run = sample_run(DATE);
    start(fixture, DATE);
    record(fixture, DATE, 0);
    run_sql_beside(fixture, "UPDATE backup_run SET generation = 9223372036854775807");
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_start(fixture->catalog, &run, NOW_MS, &fixture->error));
    assert_sql(fixture, "SELECT count(*) FROM backup_page_status", "1");
}

static void cuts_and_escapes_messages(void **state)
{
    struct fixture *fixture = *state;
    struct scb_backup_record backup;
    fill(fixture);
    run_sql_beside(fixture, "UPDATE backup_final_status SET error_message ="
                            " char(27) || '[2J' || char(10) || printf('%.*c', 5000, 'x')");
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_memory_equal(backup.error_message, "\\x1b[2J\\x0ax", 12);
    size_t length = strlen(backup.error_message);
    assert_in_range(length, 1000, sizeof(backup.error_message) - 1);
    assert_string_equal(backup.error_message + length - 3, "\xe2\x80\xa6");

    run_sql_beside(fixture,
                   "UPDATE backup_final_status SET error_message = printf('%.*c', 3000000, 'x')");
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
}

static void runs_no_code_of_the_schema(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, DATE);
    record(fixture, DATE, 0);
    run_sql_beside(fixture, "CREATE TRIGGER t AFTER UPDATE ON backup_final_status BEGIN"
                            " DELETE FROM backup_page_status; END");
    complete(fixture, DATE);
    assert_sql(fixture, "SELECT count(*) FROM backup_page_status", "1");

    run_sql_beside(fixture, "DROP TRIGGER t; ALTER TABLE backup_run RENAME TO other;"
                            "CREATE VIEW backup_run AS SELECT * FROM other");
    struct scb_run_record run;
    reopen(fixture);
    assert_status(SCB_ERROR_DATABASE,
                  scb_catalog_get_run(fixture->catalog, DATE, &run, &fixture->error));
}

/* A file that was read into memory: what the damage starts from each time. */
struct image {
    uint8_t bytes[1 << 20];
    size_t size;
};

static void load_image(struct fixture *fixture, struct image *image)
{
    enum { PAGES = 500 };
    struct scb_page_record *pages = calloc(PAGES, sizeof(*pages));
    assert_non_null(pages);
    for (size_t i = 0; i < PAGES; i++)
        pages[i] = sample_page(i);
    fill(fixture);
    start(fixture, "2024-01-14");
    assert_ok(
        scb_catalog_record_pages(fixture->catalog, "2024-01-14", pages, PAGES, &fixture->error));
    free(pages);
    scb_catalog_close(fixture->catalog);
    fixture->catalog = NULL;
    FILE *file = fopen(fixture->path, "rb");
    assert_non_null(file);
    image->size = fread(image->bytes, 1, sizeof(image->bytes), file);
    assert_in_range(image->size, 4096, sizeof(image->bytes) - 1);
    assert_int_equal(fclose(file), 0);
}

static enum scb_status ignore_page(void *state, const struct scb_page_record *page,
                                   struct scb_error *error)
{
    (void)state;
    (void)page;
    (void)error;
    return SCB_OK;
}

/* Opens a damaged file and does everything that can be done with it; true for a DatabaseError. */
static bool work_on_damaged(struct fixture *fixture)
{
    enum { CALLS = 5 };
    struct scb_catalog *catalog = NULL;
    struct scb_error *error = &fixture->error;
    if (scb_catalog_open(fixture->url, false, &catalog, error) != SCB_OK)
        return error->status == SCB_ERROR_DATABASE;
    struct scb_run_record run = sample_run("2024-01-14");
    struct scb_page_record page = sample_page(250);
    const enum scb_status statuses[CALLS] = {
        read_all(catalog, error),
        scb_catalog_pages(catalog, "2024-01-14", ignore_page, NULL, error),
        scb_catalog_record_pages(catalog, "2024-01-14", &page, 1, error),
        scb_catalog_start(catalog, &run, NOW_MS, error),
        scb_catalog_resume(catalog, &run, error),
    };
    scb_catalog_close(catalog);
    bool failed = false;
    for (size_t i = 0; i < CALLS; i++) {
        assert_int_not_equal(statuses[i], SCB_ERROR_INTERNAL);
        failed = failed || statuses[i] == SCB_ERROR_DATABASE;
    }
    return failed;
}

static void survives_damaged_files(void **state)
{
    struct fixture *fixture = *state;
    struct image *image = calloc(1, sizeof(*image));
    assert_non_null(image);
    load_image(fixture, image);
    uint8_t *damaged = calloc(1, image->size);
    assert_non_null(damaged);
    uint32_t random = 1;
    size_t failures = 0;
    for (size_t round = 0; round < 120; round++) {
        memcpy(damaged, image->bytes, image->size);
        for (size_t i = 0; i < 1 + round % 16; i++) {
            random = random * 1664525 + 1013904223;
            /* Half of it in the first pages, where the schema is. */
            size_t reach = i % 2 == 0 ? image->size : 8192;
            damaged[random % reach] ^= (uint8_t)(random >> 24);
        }
        write_file(fixture->path, damaged,
                   round % 7 == 6 ? image->size / 2 : image->size); /* and cut short */
        failures += work_on_damaged(fixture);
    }
    assert_true(failures > 12);
    free(damaged);
    free(image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        OPEN(checks_every_value),        OPEN(refuses_a_generation_without_a_next),
        OPEN(cuts_and_escapes_messages), OPEN(runs_no_code_of_the_schema),
        OPEN(survives_damaged_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
