/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers store/inventory on real directories, with symbolic links planted in them.
 */
#include "fixture.h"

#include "store/inventory.h"

#define DIR_PATH "backups/" DATE
#define TRASH    "backups/.trash-" DATE

static uint64_t blocks_of(const char *name)
{
    return (uint64_t)temp_stat(name).st_blocks * 512;
}

static struct scb_inventory load(void)
{
    struct scb_inventory inventory = {0};
    struct scb_error error = {0};
    if (scb_inventory_load(fixture.store, &inventory, &error) != SCB_OK)
        fail_msg("%s", error.message);
    return inventory;
}

static void lists_backups_newest_first(void **state)
{
    (void)state;
    static const char *const dates[] = {"2024-01-16", "2024-01-15T083000Z", DATE, "2023-12-31"};
    static const char *const others[] = {"backups/.locks", "backups/2024-02-30", "backups/latest",
                                         "backups/2024-01-1"};
    for (size_t i = 0; i < SCB_LENGTH(dates); i++)
        scb_backup_dir_close(open_dir(fixture.store, dates[i]));
    for (size_t i = 0; i < SCB_LENGTH(others); i++)
        temp_mkdir(others[i]);
    temp_write("backups/2024-01-02", "a file");
    temp_mkdir("elsewhere");
    temp_link("../elsewhere", "backups/2024-01-03");
    struct scb_inventory inventory = load();
    assert_int_equal(inventory.count, SCB_LENGTH(dates));
    for (size_t i = 0; i < SCB_LENGTH(dates); i++) {
        assert_string_equal(inventory.entries[i].backup_date, dates[i]);
        assert_ptr_equal(scb_inventory_find(&inventory, dates[i]), &inventory.entries[i]);
    }
    assert_null(scb_inventory_find(&inventory, "2024-01-03"));
    scb_inventory_free(&inventory);
    assert_null(scb_inventory_find(&inventory, DATE));
}

static void adds_up_what_is_on_the_disk(void **state)
{
    (void)state;
    write_file(fixture.dir, ARCHIVE, "12345");
    write_file(fixture.dir, "page_0.json", "x");
    temp_write("large", "");
    assert_int_equal(truncate(temp_path("large"), 1 << 20), 0);
    temp_link("../../large", DIR_PATH "/link"); /* counts as a link */
    uint64_t wanted = blocks_of(DIR_PATH "/" ARCHIVE) + blocks_of(DIR_PATH "/page_0.json") +
                      blocks_of(DIR_PATH "/link");
    struct scb_inventory inventory = load();
    assert_int_equal(inventory.entries[0].bytes, wanted);
    assert_int_equal(inventory.entries[0].archive_bytes, 5);
    assert_int_equal(inventory.other_bytes, 0);
    scb_inventory_free(&inventory);

    /* A hard link in latest/ takes nothing, a copy does; so does what is in the trash. */
    assert_int_equal(scb_backup_dir_publish(fixture.dir, NULL), SCB_OK);
    temp_mkdir(TRASH);
    temp_write(TRASH "/page_0.json", "x");
    inventory = load();
    assert_int_equal(inventory.other_bytes, blocks_of(TRASH "/page_0.json"));
    scb_inventory_free(&inventory);
    assert_int_equal(unlink(temp_path(LATEST)), 0);
    temp_write(LATEST, "a copy");
    inventory = load();
    assert_int_equal(inventory.other_bytes, blocks_of(TRASH "/page_0.json") + blocks_of(LATEST));
    scb_inventory_free(&inventory);
}

static void an_archive_is_a_file(void **state)
{
    (void)state;
    struct scb_inventory_entry entry;
    temp_write("elsewhere", "12345");
    temp_link("../../elsewhere", DIR_PATH "/" ARCHIVE);
    assert_int_equal(scb_inventory_measure(fixture.store, DATE, &entry, NULL), SCB_OK);
    assert_int_equal(entry.archive_bytes, -1);
    assert_string_equal(entry.backup_date, DATE);
    assert_int_equal(scb_inventory_measure(fixture.store, NEXT_DATE, &entry, NULL),
                     SCB_ERROR_NOT_FOUND);
    assert_int_equal(scb_inventory_measure(fixture.store, "..", &entry, NULL),
                     SCB_ERROR_VALIDATION);
}

static void discards_a_backup(void **state)
{
    (void)state;
    struct scb_error error = {0};
    temp_mkdir("outside");
    temp_write("outside/precious", "x");
    write_file(fixture.dir, ARCHIVE, "x");
    temp_link("../../outside", DIR_PATH "/link");
    temp_link("../../outside/precious", DIR_PATH "/page_0.json");
    temp_mkdir(DIR_PATH "/sub");
    temp_write(DIR_PATH "/sub/file", "x");
    temp_link("../../../outside", DIR_PATH "/sub/link");
    calls_reset();
    if (scb_store_discard(fixture.store, DATE, NULL, &error) != SCB_OK)
        fail_msg("%s", error.message);
    assert_string_equal(temp_list("backups"), "");
    assert_string_equal(temp_list("outside"), "precious");
    assert_non_null(strstr(calls_made, "rs")); /* the rename is on the disk before a file goes */
    assert_int_equal(scb_store_discard(fixture.store, DATE, NULL, NULL), SCB_OK);
}

static void what_fails_leaves_it_whole_or_in_the_trash(void **state)
{
    (void)state;
    write_file(fixture.dir, ARCHIVE, "x");
    calls_fail(CALL_RENAME, 1, EIO);
    assert_int_equal(scb_store_discard(fixture.store, DATE, NULL, NULL), SCB_ERROR_FILE);
    assert_string_equal(temp_list(DIR_PATH), ARCHIVE);
    calls_fail(CALL_SYNC, 1, EIO);
    assert_int_equal(scb_store_discard(fixture.store, DATE, NULL, NULL), SCB_ERROR_FILE);
    assert_string_equal(temp_list("backups"), ".trash-" DATE);
    assert_string_equal(temp_list(TRASH), ARCHIVE);
    assert_int_equal(scb_store_empty_trash(fixture.store, NULL, NULL), SCB_OK);
    assert_string_equal(temp_list("backups"), "");
}

static void an_older_leftover_makes_way(void **state)
{
    (void)state;
    write_file(fixture.dir, ARCHIVE, "x");
    temp_mkdir(TRASH);
    temp_write(TRASH "/page_0.json", "x");
    assert_int_equal(scb_store_discard(fixture.store, DATE, NULL, NULL), SCB_OK);
    assert_string_equal(temp_list("backups"), "");
}

static void only_a_backups_directory_is_discarded(void **state)
{
    (void)state;
    struct scb_error error = {0};
    temp_mkdir("outside");
    temp_write("outside/precious", "x");
    temp_link("../outside", "backups/" NEXT_DATE);
    assert_int_equal(scb_store_discard(fixture.store, NEXT_DATE, NULL, &error), SCB_ERROR_FILE);
    assert_non_null(strstr(error.message, "is no directory"));
    assert_int_equal(scb_store_discard(fixture.store, "../outside", NULL, NULL),
                     SCB_ERROR_VALIDATION);
    assert_int_equal(scb_store_discard(fixture.store, "latest", NULL, NULL), SCB_ERROR_VALIDATION);
    assert_string_equal(temp_list("outside"), "precious");
}

static void only_its_own_trash_is_emptied(void **state)
{
    (void)state;
    temp_mkdir("outside");
    temp_write("outside/precious", "x");
    temp_mkdir("backups/.trash-1000");
    temp_mkdir("backups/.trash-");
    temp_mkdir("backups/.trash-2024-01-15T083000Z");
    temp_write("backups/.trash-2024-01-16", "a file");
    temp_link("../outside", "backups/.trash-2024-01-17");
    temp_mkdir(TRASH);
    temp_link("../../outside", TRASH "/link");
    assert_int_equal(scb_store_empty_trash(fixture.store, NULL, NULL), SCB_OK);
    assert_string_equal(temp_list("outside"), "precious");
    assert_string_equal(temp_list("backups"),
                        ".trash- .trash-1000 .trash-2024-01-16 .trash-2024-01-17 " DATE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORED(lists_backups_newest_first),
        STORED(adds_up_what_is_on_the_disk),
        STORED(an_archive_is_a_file),
        STORED(discards_a_backup),
        STORED(what_fails_leaves_it_whole_or_in_the_trash),
        STORED(an_older_leftover_makes_way),
        STORED(only_a_backups_directory_is_discarded),
        STORED(only_its_own_trash_is_emptied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
