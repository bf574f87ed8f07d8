/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/page_rows: when rows are due, what stands in them, and that none is lost to a catalog
 * that does not take them.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "../temp_dir.h"
#include "job/page_rows.h"

#define DATE "2024-01-15"

static int64_t now_ms;

static int64_t read_clock(void *state)
{
    (void)state;
    return now_ms;
}

static const struct scb_clock test_clock = {.real_ms = read_clock, .monotonic_ms = read_clock};
static struct scb_patience patience;
static struct scb_catalog *catalog;
static struct scb_page_rows rows;

static int set_up(void **state)
{
    temp_set_up(state);
    char url[300];
    struct scb_run_record run = {.backup_date = DATE, .page_size = 1, .total_pages = 3000};
    (void)snprintf(url, sizeof(url), "sqlite://%s/s.db", temp_dir);
    now_ms = 1700000000000;
    patience = (struct scb_patience){.clock = &test_clock, .limit_ms = 60000};
    assert_int_equal(scb_catalog_open(url, true, &catalog, NULL), SCB_OK);
    assert_int_equal(scb_catalog_start(catalog, &run, now_ms, NULL), SCB_OK);
    const struct scb_page_rows_settings settings = {.catalog = catalog,
                                                    .patience = &patience,
                                                    .clock = &test_clock,
                                                    .backup_date = DATE,
                                                    .most_under_way = 10};
    assert_int_equal(scb_page_rows_init(&rows, &settings, NULL), SCB_OK);
    return 0;
}

static int tear_down(void **state)
{
    scb_page_rows_free(&rows);
    scb_catalog_close(catalog);
    return temp_tear_down(state);
}

static void complete(uint64_t number)
{
    struct scb_page_work page = {.number = number, .keys = 7, .size = 99};
    page.check.warnings.empty_keys = 3;
    memset(page.sha256, (int)number, sizeof(page.sha256));
    (void)snprintf(page.name, sizeof(page.name), "page_%d.json", (int)number);
    scb_page_rows_completed(&rows, &page);
}

static enum scb_status keep(void *state, const struct scb_page_record *page,
                            struct scb_error *error)
{
    (void)error;
    struct scb_page_record *kept = state;
    kept[page->page_number] = *page;
    return SCB_OK;
}

static void are_due_when_old_or_many(void **state)
{
    (void)state;
    assert_false(scb_page_rows_are_due(&rows));
    now_ms += 1000; /* none at all is never due */
    assert_false(scb_page_rows_are_due(&rows));
    complete(0);
    now_ms += 199;
    assert_false(scb_page_rows_are_due(&rows));
    now_ms += 1;
    assert_true(scb_page_rows_are_due(&rows));
    assert_int_equal(scb_page_rows_record(&rows, NULL), SCB_OK);
    assert_false(scb_page_rows_are_due(&rows));
    for (uint64_t i = 0; i < 255; i++)
        complete(i);
    assert_false(scb_page_rows_are_due(&rows));
    complete(255);
    assert_true(scb_page_rows_are_due(&rows));
}

static void say_what_came_of_a_page(void **state)
{
    (void)state;
    struct scb_page_record kept[2] = {0};
    struct scb_error failure = {0};
    scb_error_set(&failure, SCB_ERROR_CONTRACT, "HTTP 500");
    complete(0);
    scb_page_rows_failed(&rows, 1, &failure);
    assert_int_equal(scb_page_rows_record(&rows, NULL), SCB_OK);
    assert_int_equal(scb_catalog_pages(catalog, DATE, keep, kept, NULL), SCB_OK);
    assert_int_equal(kept[0].state, SCB_BACKUP_COMPLETED);
    assert_int_equal(kept[0].keys_count, 7);
    assert_int_equal(kept[0].file_size, 99);
    assert_int_equal(kept[0].empty_keys, 3);
    assert_int_equal(kept[0].completed_at_ms, now_ms);
    assert_string_equal(kept[0].file_path, DATE "/page_0.json");
    assert_int_equal(kept[1].state, SCB_BACKUP_FAILED);
    assert_string_equal(kept[1].error_message, "ContractConnectionError: HTTP 500");
}

static void stay_until_they_are_taken(void **state)
{
    (void)state;
    struct scb_page_record kept[1] = {0};
    struct scb_error error = {0};
    rows.settings.backup_date = "2024-01-16"; /* the catalog knows no such backup */
    complete(0);
    assert_int_equal(scb_page_rows_record(&rows, &error), SCB_ERROR_NOT_FOUND);
    assert_int_equal(rows.count, 1);
    rows.settings.backup_date = DATE;
    assert_int_equal(scb_page_rows_record(&rows, NULL), SCB_OK);
    assert_int_equal(rows.count, 0);
    assert_int_equal(scb_catalog_pages(catalog, DATE, keep, kept, NULL), SCB_OK);
    assert_int_equal(kept[0].keys_count, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(are_due_when_old_or_many, set_up, tear_down),
        cmocka_unit_test_setup_teardown(say_what_came_of_a_page, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stay_until_they_are_taken, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
