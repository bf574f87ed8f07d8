/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/settle: latest is the newest completed backup, whichever is made, and page files go
 * where they are not kept; what others read is left alone.
 */
#include "backups.h"

#include "job/settle.h"

#define DATE   "2024-01-15"
#define NEXT   "2024-01-16"
#define LATER  "2024-01-17"
#define LATEST "backups/latest/backup_latest.zip"

static const char *archive_of(const char *date)
{
    return strcmp(date, DATE) == 0 ? "backups/" DATE "/backup_" DATE ".zip"
                                   : "backups/" NEXT "/backup_" NEXT ".zip";
}

static bool is_latest(const char *date)
{
    return access(temp_path(LATEST), F_OK) == 0 &&
           temp_stat(LATEST).st_ino == temp_stat(archive_of(date)).st_ino;
}

static struct scb_backup_parts parts(void)
{
    return (struct scb_backup_parts){
        .store = house.parts.store, .catalog = house.parts.catalog, .clock = &clock_2024};
}

static void settle(const char *date, bool keep)
{
    struct scb_backup_dir *dir = NULL;
    const struct scb_backup_parts now = parts();
    const struct scb_backup_settings settings = {.backup_date = date, .keep_page_files = keep};
    assert_ok(scb_backup_dir_open(now.store, date, false, &dir, &house.error));
    assert_ok(scb_settle(&now, &settings, dir, &house.error));
    scb_backup_dir_close(dir);
}

static void settle_newest(const char *date, bool keep)
{
    const struct scb_backup_parts now = parts();
    const struct scb_backup_settings settings = {.backup_date = date, .keep_page_files = keep};
    scb_settle_newest(&now, &settings);
}

static void make_both(void)
{
    (void)make_backup(DATE, 1);
    settle(DATE, true);
    (void)make_backup(NEXT, 1);
    temp_write("backups/" DATE "/page_0.json", "[]");
    temp_write("backups/" NEXT "/page_0.json", "[]");
    assert_true(is_latest(DATE));
}

static void latest_is_the_newest_only(void **state)
{
    (void)state;
    make_both();
    settle(DATE, true);
    assert_true(is_latest(DATE));
    settle(NEXT, true);
    assert_true(is_latest(NEXT));
    settle(DATE, false);
    assert_true(is_latest(NEXT));
    assert_int_not_equal(access(temp_path("backups/" DATE "/page_0.json"), F_OK), 0);
    assert_int_equal(access(temp_path("backups/" NEXT "/page_0.json"), F_OK), 0);
}

static void the_newest_is_settled_by_a_start_of_another_date(void **state)
{
    (void)state;
    settle_newest(LATER, true); /* there is none */
    make_both();
    settle_newest(NEXT, false); /* whose own settling that is */
    assert_true(is_latest(DATE));
    settle_newest(LATER, true);
    assert_true(is_latest(NEXT));
    assert_int_equal(access(temp_path("backups/" NEXT "/page_0.json"), F_OK), 0);
    settle_newest(DATE, false);
    assert_int_not_equal(access(temp_path("backups/" NEXT "/page_0.json"), F_OK), 0);
    assert_int_equal(access(temp_path("backups/" DATE "/page_0.json"), F_OK), 0);
}

static void what_is_read_or_damaged_is_left_alone(void **state)
{
    (void)state;
    struct scb_store_lock *made = NULL, *reader = NULL;
    make_both();
    assert_ok(scb_store_lock(house.parts.store, NEXT, &clock_2024, &made, &house.error));
    scb_store_unlock(made);
    assert_ok(scb_store_lock_shared(house.parts.store, NEXT, &reader, &house.error));
    assert_non_null(reader);
    settle_newest(LATER, false);
    assert_true(is_latest(DATE));
    assert_int_equal(access(temp_path("backups/" NEXT "/page_0.json"), F_OK), 0);
    scb_store_unlock(reader);
    assert_int_equal(truncate(temp_path(archive_of(NEXT)), 10), 0);
    settle_newest(LATER, false);
    assert_true(is_latest(DATE));
    assert_int_equal(access(temp_path("backups/" NEXT "/page_0.json"), F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(latest_is_the_newest_only),
        IN_HOUSE(the_newest_is_settled_by_a_start_of_another_date),
        IN_HOUSE(what_is_read_or_damaged_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
