/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the catalog promises, whatever its driver: a backup's life (start, start over, resume, fail,
 * complete), pages and their warnings, order and limits of lists, two connections.
 */
#include "base/memory.h"
#include "fixture.h"

static void names_states(void **state)
{
    (void)state;
    assert_string_equal(scb_backup_state_name(SCB_BACKUP_IN_PROGRESS), "in_progress");
    assert_string_equal(scb_backup_state_name(SCB_BACKUP_COMPLETED), "completed");
    assert_string_equal(scb_backup_state_name(SCB_BACKUP_FAILED), "failed");
}

static void keeps_a_run(void **state)
{
    struct fixture *fixture = *state;
    struct scb_run_record run = sample_run(DATE);
    assert_ok(scb_catalog_start(fixture->catalog, &run, NOW_MS, &fixture->error));
    assert_int_equal(run.generation, 1);
    reopen(fixture);
    struct scb_run_record kept;
    assert_ok(scb_catalog_get_run(fixture->catalog, DATE, &kept, &fixture->error));
    assert_same_run(&kept, &run);

    struct scb_backup_record backup;
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    struct scb_backup_record wanted = {.backup_date = DATE,
                                       .state = SCB_BACKUP_IN_PROGRESS,
                                       .created_at_ms = NOW_MS,
                                       .completed_at_ms = -1,
                                       .total_pages = 3,
                                       .total_keys = 250,
                                       .file_size = -1,
                                       .block_number = 70000001,
                                       .run_id = "0123456789abcdef"};
    memcpy(wanted.block_hash, "0x", 2);
    for (size_t i = 2; i < 66; i += 2)
        memcpy(wanted.block_hash + i, "cd", 2);
    assert_same_backup(&backup, &wanted);
}

static void start_checks_the_date(void **state)
{
    struct fixture *fixture = *state;
    static const char *const dates[] = {"../../etc", "2024-02-30", "", "2024-01-15T010000"};
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
        struct scb_run_record run = sample_run(dates[i]);
        assert_status(SCB_ERROR_VALIDATION,
                      scb_catalog_start(fixture->catalog, &run, NOW_MS, &fixture->error));
    }
    struct kept_backups kept = {0};
    assert_ok(scb_catalog_list(fixture->catalog, 0, keep_backup, &kept, &fixture->error));
    assert_int_equal(kept.count, 0);
}

static void refuses_numbers_without_room(void **state)
{
    struct fixture *fixture = *state;
    struct scb_run_record run = sample_run(DATE);
    run.chain_id = UINT64_MAX;
    assert_status(SCB_ERROR_VALIDATION,
                  scb_catalog_start(fixture->catalog, &run, NOW_MS, &fixture->error));
    assert_int_equal(run.generation, 0);
    /* The half that had been done is undone. */
    struct scb_backup_record backup;
    assert_status(SCB_ERROR_NOT_FOUND,
                  scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));

    start(fixture, DATE);
    struct scb_page_record pages[] = {sample_page(0), sample_page(1)};
    pages[1].file_size = UINT64_MAX;
    assert_status(SCB_ERROR_VALIDATION,
                  scb_catalog_record_pages(fixture->catalog, DATE, pages, 2, &fixture->error));
    struct kept_pages kept = {0};
    assert_ok(scb_catalog_pages(fixture->catalog, DATE, keep_page, &kept, &fixture->error));
    assert_int_equal(kept.count, 0);
}

static void keeps_pages(void **state)
{
    struct fixture *fixture = *state;
    struct scb_page_record pages[] = {sample_page(2), sample_page(0), sample_page(1)};
    pages[0].empty_keys = 1;
    pages[0].empty_versions = 2;
    pages[0].duplicate_keys = 3;
    pages[2] = (struct scb_page_record){
        .page_number = 1, .state = SCB_BACKUP_FAILED, .completed_at_ms = NOW_MS};
    (void)snprintf(pages[2].error_message, sizeof(pages[2].error_message), "HTTP 500 „ü“");
    start(fixture, DATE);
    assert_ok(scb_catalog_record_pages(fixture->catalog, DATE, pages, 3, &fixture->error));
    reopen(fixture);

    pages[2].completed_at_ms = -1; /* it never was */
    struct kept_pages kept = {0};
    assert_ok(scb_catalog_pages(fixture->catalog, DATE, keep_page, &kept, &fixture->error));
    assert_int_equal(kept.count, 3);
    assert_same_page(&kept.pages[0], &pages[1]);
    assert_same_page(&kept.pages[1], &pages[2]);
    assert_same_page(&kept.pages[2], &pages[0]);

    struct scb_backup_record backup;
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_int_equal(backup.pages_completed, 2);
    assert_int_equal(backup.pages_failed, 1);
}

static void replaces_pages(void **state)
{
    struct fixture *fixture = *state;
    struct scb_page_record page = sample_page(0);
    page.state = SCB_BACKUP_FAILED;
    page.duplicate_keys = 7;
    (void)snprintf(page.error_message, sizeof(page.error_message), "timeout");
    start(fixture, DATE);
    assert_ok(scb_catalog_record_pages(fixture->catalog, DATE, &page, 1, &fixture->error));
    record(fixture, DATE, 0);

    struct scb_page_record wanted = sample_page(0);
    struct kept_pages kept = {0};
    assert_ok(scb_catalog_pages(fixture->catalog, DATE, keep_page, &kept, &fixture->error));
    assert_int_equal(kept.count, 1);
    assert_same_page(&kept.pages[0], &wanted);
    assert_sql(fixture, "SELECT count(*) FROM backup_page_warning", "0");
}

static void writes_plain_text(void **state)
{
    struct fixture *fixture = *state;
    struct scb_page_record pages[] = {sample_page(17), sample_page(18)};
    pages[1].state = SCB_BACKUP_FAILED;
    start(fixture, DATE);
    assert_ok(scb_catalog_record_pages(fixture->catalog, DATE, pages, 2, &fixture->error));
    complete(fixture, DATE);

    assert_sql(fixture, "SELECT created_at FROM backup_final_status", "2024-01-15T08:30:00.123Z");
    assert_sql(fixture, "SELECT completed_at FROM backup_final_status", "2024-01-15T08:32:30.123Z");
    assert_sql(fixture, "SELECT status FROM backup_final_status", "completed");
    assert_sql(fixture, "SELECT contract FROM backup_run",
               "0xabababababababababababababababababababab");
#define PAGE_17 " FROM backup_page_status WHERE page_number = 17"
#define PAGE_18 " FROM backup_page_status WHERE page_number = 18"
    assert_sql(fixture, "SELECT file_path" PAGE_17, "2024-01-15/page_17.json");
    assert_sql(fixture, "SELECT completed_at" PAGE_17, "2024-01-15T08:30:00.140Z");
    assert_sql(fixture, "SELECT checksum" PAGE_17,
               "1111111111111111111111111111111111111111111111111111111111111111");
    assert_sql(fixture, "SELECT error_message" PAGE_17, "NULL");
    assert_sql(fixture, "SELECT created_at" PAGE_18, "2024-01-15T08:30:00.141Z");
    assert_sql(fixture, "SELECT file_path" PAGE_18, "NULL");
    assert_sql(fixture, "SELECT checksum" PAGE_18, "NULL");
}

static void starts_over(void **state)
{
    struct fixture *fixture = *state;
    struct scb_page_record page = sample_page(1);
    page.empty_keys = 1;
    start(fixture, DATE);
    start(fixture, "2024-01-16");
    assert_ok(scb_catalog_record_pages(fixture->catalog, DATE, &page, 1, &fixture->error));
    assert_ok(scb_catalog_record_pages(fixture->catalog, "2024-01-16", &page, 1, &fixture->error));
    assert_ok(scb_catalog_fail(fixture->catalog, DATE, "reorg", NOW_MS, &fixture->error));

    struct scb_run_record run = sample_run(DATE);
    run.block_number = 70000099;
    run.total_pages = 4;
    (void)snprintf(run.page_function, sizeof(run.page_function), "other(uint256,uint256)");
    run.max_value_size = 1000;
    run.quorum = 3;
    assert_ok(scb_catalog_start(fixture->catalog, &run, NOW_MS + 5000, &fixture->error));
    assert_int_equal(run.generation, 2);
    struct scb_run_record kept;
    assert_ok(scb_catalog_get_run(fixture->catalog, DATE, &kept, &fixture->error));
    assert_same_run(&kept, &run);

    struct scb_backup_record backup;
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_int_equal(backup.state, SCB_BACKUP_IN_PROGRESS);
    assert_int_equal(backup.created_at_ms, NOW_MS);
    assert_int_equal(backup.total_pages, 4);
    assert_int_equal(backup.pages_completed, 0);
    assert_int_equal(backup.block_number, 70000099);
    assert_string_equal(backup.error_message, "");
    /* Only its own rows went. */
    assert_sql(fixture, "SELECT group_concat(backup_date) FROM backup_page_status", "2024-01-16");
    assert_sql(fixture, "SELECT group_concat(backup_date) FROM backup_page_warning", "2024-01-16");
}

static void fails_and_resumes(void **state)
{
    struct fixture *fixture = *state;
    struct scb_backup_record backup;
    start(fixture, DATE);
    record(fixture, DATE, 0);
    assert_ok(
        scb_catalog_fail(fixture->catalog, DATE, "page 1: HTTP 429", NOW_MS, &fixture->error));
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_int_equal(backup.state, SCB_BACKUP_FAILED);
    assert_string_equal(backup.error_message, "page 1: HTTP 429");
    assert_int_equal(backup.pages_completed, 1);

    struct scb_run_record wider = sample_run(DATE);
    wider.max_key_size *= 2;
    wider.max_value_size *= 2;
    wider.quorum = 2;
    assert_string_equal(backup.run_id, wider.run_id);
    memcpy(wider.run_id, "fedcba9876543210", sizeof(wider.run_id));
    assert_ok(scb_catalog_resume(fixture->catalog, &wider, &fixture->error));
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_string_equal(backup.run_id, "fedcba9876543210");
    assert_int_equal(backup.state, SCB_BACKUP_IN_PROGRESS);
    assert_string_equal(backup.error_message, "");
    assert_int_equal(backup.pages_completed, 1);
    struct scb_run_record run;
    assert_ok(scb_catalog_get_run(fixture->catalog, DATE, &run, &fixture->error));
    wider.generation = 1;
    assert_same_run(&run, &wider);
}

/* What failed before there was a block has a row all the same, and may be started then. */
static void keeps_a_failure_before_the_start(void **state)
{
    struct fixture *fixture = *state;
    struct scb_backup_record backup;
    struct scb_run_record run;
    assert_status(SCB_ERROR_VALIDATION,
                  scb_catalog_fail(fixture->catalog, "../../etc", "x", NOW_MS, &fixture->error));
    assert_ok(
        scb_catalog_fail(fixture->catalog, DATE, "connection refused", NOW_MS, &fixture->error));
    assert_ok(scb_catalog_fail(fixture->catalog, DATE, "HTTP 500", NOW_MS + 1, &fixture->error));
    assert_ok(scb_catalog_newest(fixture->catalog, false, &backup, &fixture->error));
    assert_string_equal(backup.backup_date, DATE);
    assert_int_equal(backup.state, SCB_BACKUP_FAILED);
    assert_string_equal(backup.error_message, "HTTP 500");
    assert_int_equal(backup.created_at_ms, NOW_MS);
    assert_int_equal(backup.total_pages, -1);
    assert_int_equal(backup.block_number, -1);
    assert_status(SCB_ERROR_NOT_FOUND,
                  scb_catalog_get_run(fixture->catalog, DATE, &run, &fixture->error));
    start(fixture, DATE);
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_int_equal(backup.state, SCB_BACKUP_IN_PROGRESS);
    assert_string_equal(backup.error_message, "");
}

static void completes(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, DATE);
    record(fixture, DATE, 0);
    assert_ok(scb_catalog_fail(fixture->catalog, DATE, "disk was full", NOW_MS, &fixture->error));
    complete(fixture, DATE);
    reopen(fixture);

    struct scb_backup_record wanted = sample_completed(DATE), backup;
    wanted.state = SCB_BACKUP_COMPLETED;
    wanted.created_at_ms = NOW_MS;
    wanted.pages_completed = wanted.total_pages;
    wanted.block_number = 70000001;
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    memcpy(wanted.run_id, backup.run_id, sizeof(wanted.run_id));
    memcpy(wanted.block_hash, backup.block_hash, sizeof(wanted.block_hash));
    assert_same_backup(&backup, &wanted);
}

/* Every change of a completed backup is refused and leaves it as it was. */
static void never_touches_a_completed_one(void **state)
{
    struct fixture *fixture = *state;
    struct scb_catalog *catalog = fixture->catalog;
    struct scb_error *error = &fixture->error;
    struct scb_backup_record before, after;
    start(fixture, DATE);
    record(fixture, DATE, 0);
    complete(fixture, DATE);
    assert_ok(scb_catalog_get(catalog, DATE, &before, error));

    struct scb_run_record run = sample_run(DATE);
    struct scb_page_record page = sample_page(5);
    struct scb_backup_record other = sample_completed(DATE);
    other.total_keys = 1;
    assert_status(SCB_ERROR_BUSY, scb_catalog_start(catalog, &run, NOW_MS, error));
    assert_int_equal(run.generation, 0);
    assert_non_null(strstr(error->hint, "--force"));
    assert_status(SCB_ERROR_BUSY, scb_catalog_resume(catalog, &run, error));
    assert_status(SCB_ERROR_BUSY, scb_catalog_fail(catalog, DATE, "late", NOW_MS, error));
    assert_status(SCB_ERROR_BUSY, scb_catalog_complete(catalog, &other, error));
    assert_status(SCB_ERROR_BUSY, scb_catalog_record_pages(catalog, DATE, &page, 1, error));

    assert_ok(scb_catalog_get(catalog, DATE, &after, error));
    assert_same_backup(&before, &after);
    assert_sql(fixture, "SELECT count(*) FROM backup_page_status", "1");
    assert_sql(fixture, "SELECT generation FROM backup_run", "1");
}

static void knows_what_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct scb_catalog *catalog = fixture->catalog;
    struct scb_error *error = &fixture->error;
    struct scb_backup_record backup = sample_completed(DATE);
    struct scb_page_record page = sample_page(0);
    struct scb_run_record run = sample_run(DATE);
    assert_status(SCB_ERROR_NOT_FOUND, scb_catalog_get(catalog, DATE, &backup, error));
    assert_non_null(strstr(error->message, DATE));
    assert_non_null(strstr(error->hint, "backup list"));
    assert_status(SCB_ERROR_NOT_FOUND, scb_catalog_get(catalog, DATE, &backup, NULL));
    assert_status(SCB_ERROR_NOT_FOUND, scb_catalog_get_run(catalog, DATE, &run, error));
    assert_status(SCB_ERROR_NOT_FOUND, scb_catalog_resume(catalog, &run, error));
    assert_status(SCB_ERROR_NOT_FOUND, scb_catalog_complete(catalog, &backup, error));
    assert_status(SCB_ERROR_NOT_FOUND, scb_catalog_record_pages(catalog, DATE, &page, 1, error));
    assert_status(SCB_ERROR_NOT_FOUND, scb_catalog_newest(catalog, false, &backup, error));
    start(fixture, DATE);
    assert_status(SCB_ERROR_NOT_FOUND, scb_catalog_newest(catalog, true, &backup, error));
    assert_non_null(strstr(error->message, "completed"));
}

/* A backup with a time is newer than the one of that day, older than the next day's. */
static void orders_by_date(void **state)
{
    struct fixture *fixture = *state;
    static const char *const oldest_first[] = {"2023-12-31", "2024-01-15", "2024-01-15T010000Z",
                                               "2024-01-15T235959Z", "2024-01-16"};
    static const size_t started[] = {3, 0, 4, 1, 2};
    for (size_t i = 0; i < 5; i++)
        start(fixture, oldest_first[started[i]]);
    complete(fixture, oldest_first[2]);
    complete(fixture, oldest_first[1]);

    struct scb_backup_record backup;
    assert_ok(scb_catalog_newest(fixture->catalog, false, &backup, &fixture->error));
    assert_string_equal(backup.backup_date, oldest_first[4]);
    assert_ok(scb_catalog_newest(fixture->catalog, true, &backup, &fixture->error));
    assert_string_equal(backup.backup_date, oldest_first[2]);

    for (uint64_t limit = 0; limit <= 6; limit++) {
        struct kept_backups kept = {0};
        assert_ok(scb_catalog_list(fixture->catalog, limit, keep_backup, &kept, &fixture->error));
        assert_int_equal(kept.count, limit == 0 || limit > 5 ? 5 : limit);
        for (size_t i = 0; i < kept.count; i++)
            assert_string_equal(kept.backups[i].backup_date, oldest_first[4 - i]);
    }
}

static enum scb_status stop_at_second(void *state, const struct scb_backup_record *backup,
                                      struct scb_error *error)
{
    (void)backup;
    size_t *seen = state;
    return ++*seen == 2 ? scb_error_set(error, SCB_ERROR_CANCELED, "enough") : SCB_OK;
}

static enum scb_status stop_at_once(void *state, const struct scb_page_record *page,
                                    struct scb_error *error)
{
    (void)state;
    (void)page;
    return scb_error_set(error, SCB_ERROR_FILE, "not now");
}

static void lists_come_in_parts(void **state)
{
    struct fixture *fixture = *state;
    static const char *const dates[] = {"2024-01-13", "2024-01-14", "2024-01-15"};
    for (size_t i = 0; i < SCB_LENGTH(dates); i++)
        start(fixture, dates[i]);
    struct kept_backups backups = {0};
    assert_ok(scb_catalog_list_before(fixture->catalog, dates[2], 1, keep_backup, &backups,
                                      &fixture->error));
    assert_int_equal(backups.count, 1);
    assert_string_equal(backups.backups[0].backup_date, dates[1]);
    assert_ok(scb_catalog_list_before(fixture->catalog, dates[1], 0, keep_backup, &backups,
                                      &fixture->error));
    assert_int_equal(backups.count, 2);
    assert_string_equal(backups.backups[1].backup_date, dates[0]);
    assert_ok(scb_catalog_list_before(fixture->catalog, dates[0], 0, keep_backup, &backups,
                                      &fixture->error));
    assert_int_equal(backups.count, 2);

    for (uint64_t page = 0; page < 5; page++)
        record(fixture, dates[0], page);
    static const struct {
        uint64_t first, limit, count;
    } parts[] = {{0, 2, 2}, {2, 2, 2}, {4, 2, 1}, {5, 2, 0}, {1, 0, 4}, {0, 0, 5}};
    for (size_t i = 0; i < SCB_LENGTH(parts); i++) {
        struct kept_pages pages = {0};
        assert_ok(scb_catalog_pages_from(fixture->catalog, dates[0], parts[i].first, parts[i].limit,
                                         keep_page, &pages, &fixture->error));
        assert_int_equal(pages.count, parts[i].count);
        for (size_t at = 0; at < pages.count; at++)
            assert_int_equal(pages.pages[at].page_number, parts[i].first + at);
    }
}

static void visitors_end_walks(void **state)
{
    struct fixture *fixture = *state;
    start(fixture, "2024-01-15");
    start(fixture, "2024-01-16");
    start(fixture, "2024-01-17");
    record(fixture, DATE, 0);
    size_t seen = 0;
    assert_status(SCB_ERROR_CANCELED,
                  scb_catalog_list(fixture->catalog, 0, stop_at_second, &seen, &fixture->error));
    assert_int_equal(seen, 2);
    assert_string_equal(fixture->error.message, "enough");
    assert_status(SCB_ERROR_FILE,
                  scb_catalog_pages(fixture->catalog, DATE, stop_at_once, NULL, &fixture->error));
    /* Neither has left a statement or a transaction open. */
    start(fixture, DATE);
    run_sql_beside(fixture, "DELETE FROM backup_page_status");
}

struct nested {
    struct fixture *fixture;
    struct kept_pages pages;
};

static enum scb_status read_inside(void *state, const struct scb_backup_record *backup,
                                   struct scb_error *error)
{
    struct nested *nested = state;
    struct scb_backup_record same;
    enum scb_status status =
        scb_catalog_get(nested->fixture->catalog, backup->backup_date, &same, error);
    if (status == SCB_OK)
        status = scb_catalog_pages(nested->fixture->catalog, backup->backup_date, keep_page,
                                   &nested->pages, error);
    return status;
}

static void visitors_may_read(void **state)
{
    struct fixture *fixture = *state;
    struct nested nested = {.fixture = fixture};
    start(fixture, "2024-01-15");
    start(fixture, "2024-01-16");
    record(fixture, "2024-01-15", 1);
    record(fixture, "2024-01-16", 2);
    assert_ok(scb_catalog_list(fixture->catalog, 0, read_inside, &nested, &fixture->error));
    assert_int_equal(nested.pages.count, 2);
    assert_int_equal(nested.pages.pages[0].page_number, 2);
    assert_int_equal(nested.pages.pages[1].page_number, 1);
}

static void serves_two_connections(void **state)
{
    struct fixture *fixture = *state;
    struct scb_catalog *second = NULL;
    assert_ok(scb_catalog_open(fixture->url, false, &second, &fixture->error));
    start(fixture, DATE);
    struct scb_page_record page = sample_page(0);
    assert_ok(scb_catalog_record_pages(second, DATE, &page, 1, &fixture->error));
    record(fixture, DATE, 1);

    struct kept_pages kept = {0};
    assert_ok(scb_catalog_pages(second, DATE, keep_page, &kept, &fixture->error));
    assert_int_equal(kept.count, 2);
    complete(fixture, DATE);
    struct scb_backup_record backup;
    assert_ok(scb_catalog_get(second, DATE, &backup, &fixture->error));
    assert_int_equal(backup.state, SCB_BACKUP_COMPLETED);
    assert_status(SCB_ERROR_BUSY, scb_catalog_fail(second, DATE, "late", NOW_MS, &fixture->error));
    scb_catalog_close(second);
}

static enum scb_status count_in_order(void *state, const struct scb_page_record *page,
                                      struct scb_error *error)
{
    (void)error;
    uint64_t *count = state;
    assert_int_equal(page->page_number, *count);
    assert_int_equal(page->file_size, 20000 + *count);
    ++*count;
    return SCB_OK;
}

static void streams_many_pages(void **state)
{
    struct fixture *fixture = *state;
    enum { BATCH = 250, BATCHES = 400 };
    struct scb_page_record *pages = calloc(BATCH, sizeof(*pages));
    assert_non_null(pages);
    start(fixture, DATE);
    for (size_t batch = 0; batch < BATCHES; batch++) {
        /* Pages come in another order than their numbers: 7 and BATCHES have no common factor. */
        for (size_t i = 0; i < BATCH; i++)
            pages[i] = sample_page(batch * 7 % BATCHES * BATCH + (BATCH - 1 - i));
        assert_ok(scb_catalog_record_pages(fixture->catalog, DATE, pages, BATCH, &fixture->error));
    }
    free(pages);
    uint64_t count = 0;
    assert_ok(scb_catalog_pages(fixture->catalog, DATE, count_in_order, &count, &fixture->error));
    assert_int_equal(count, BATCH * BATCHES);
    struct scb_backup_record backup;
    assert_ok(scb_catalog_get(fixture->catalog, DATE, &backup, &fixture->error));
    assert_int_equal(backup.pages_completed, BATCH * BATCHES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_states),
        OPEN(keeps_a_run),
        OPEN(start_checks_the_date),
        OPEN(refuses_numbers_without_room),
        OPEN(keeps_pages),
        OPEN(replaces_pages),
        OPEN(writes_plain_text),
        OPEN(starts_over),
        OPEN(fails_and_resumes),
        OPEN(keeps_a_failure_before_the_start),
        OPEN(completes),
        OPEN(never_touches_a_completed_one),
        OPEN(knows_what_is_not_there),
        OPEN(orders_by_date),
        OPEN(lists_come_in_parts),
        OPEN(visitors_end_walks),
        OPEN(visitors_may_read),
        OPEN(serves_two_connections),
        OPEN(streams_many_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
