/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/get, format/key_index and the index that verify leaves: keys are found with it and
 * without it, the first one of those that are there twice; an index that is cut, changed or of
 * another archive never hides a key; with a good one other pages are not read.
 */
#include "archived.h"

#include "format/key_index.h"
#include "job/get.h"
#include "job/verify.h"

#define DATE  "2024-01-15"
#define INDEX "backups/" DATE "/keys.index"

enum { COUNT = 500, PAGE = 10 };

static char keys[COUNT][16];
static struct scb_get_result result;

static void archive_many(const char *date, int first)
{
    static struct scb_entry entries[COUNT];
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "key %d", first + i);
        entries[i] = entry_of(keys[i], keys[i], "v1");
    }
    entries[COUNT - 1].key = bytes_of(""); /* a key, too */
    archived_warnings = (struct scb_warnings){.empty_keys = 1};
    archive_entries(date, entries, COUNT, PAGE);
}

static enum scb_verify_outcome verify(const char *date)
{
    static const struct scb_verify_settings settings = {
        .limits = {.max_key_size = 100, .max_value_size = 100},
        .worker_concurrency = 1,
        .memory_limit = 16 << 20};
    const struct scb_verify_parts parts = {
        .store = house.parts.store, .catalog = house.parts.catalog, .clock = &clock_2024};
    struct scb_verify_result verified;
    scb_verify_run(&parts, &settings, date, &verified);
    return verified.outcome;
}

static enum scb_status get(const char *key)
{
    const struct scb_backup_reader_settings settings = {
        .backup_date = DATE, .limits = {.max_key_size = 100, .max_value_size = 100}};
    scb_get_result_free(&result);
    return scb_get(house.parts.store, house.parts.catalog, &settings, bytes_of(key), &result,
                   &house.error);
}

static void assert_found(const char *key, uint64_t page)
{
    assert_ok(get(key));
    assert_int_equal(result.entry.key.size, strlen(key));
    assert_memory_equal(result.entry.key.data, key, strlen(key));
    assert_int_equal(result.page_number, page);
}

static void assert_all_found(void)
{
    for (int i = 0; i < COUNT - 1; i += 7)
        assert_found(keys[i], (uint64_t)(i / PAGE));
    assert_found("", (COUNT - 1) / PAGE);
    assert_int_equal(get("no such key"), SCB_ERROR_NOT_FOUND);
    scb_get_result_free(&result);
}

static bool has_index(void)
{
    return access(temp_path(INDEX), F_OK) == 0;
}

static void finds_keys_with_an_index_and_without(void **state)
{
    (void)state;
    archive_many(DATE, 0);
    assert_all_found();
    assert_false(has_index());
    assert_int_equal(verify(DATE), SCB_VERIFY_VALID);
    assert_true(has_index());
    assert_int_equal(temp_mode(INDEX), 0600);
    assert_all_found();
}

/* Every page but the key's is damaged: only the index leads past them. */
static void reads_no_other_page_with_an_index(void **state)
{
    (void)state;
    archive_many(DATE, 0);
    assert_int_equal(verify(DATE), SCB_VERIFY_VALID);
    flip(archive_name(DATE), 60, 1); /* page 0 */
    assert_found(keys[COUNT / 2], COUNT / 2 / PAGE);
    assert_int_equal(get(keys[3]), SCB_ERROR_INTEGRITY);
    assert_int_equal(get("no such key"), SCB_ERROR_INTEGRITY); /* nobody can say that */
    assert_int_equal(unlink(temp_path(INDEX)), 0);
    assert_int_equal(get(keys[COUNT / 2]), SCB_ERROR_INTEGRITY);
}

static void gives_the_first_of_keys_that_are_there_twice(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {
        entry_of("a", "1", "v1"),     entry_of("k", "first", "v1"), entry_of("k", "second", "v1"),
        entry_of("k", "third", "v1"), entry_of("z", "2", "v1"),     entry_of("k", "fourth", "v1")};
    archived_warnings = (struct scb_warnings){0};
    archive_entries(DATE, entries, SCB_LENGTH(entries), 1);
    for (int with_index = 0; with_index < 2; with_index++) {
        assert_found("k", 1);
        assert_memory_equal(result.entry.value.data, "first", 5);
        assert_int_equal(verify(DATE), SCB_VERIFY_VALID);
    }
    scb_get_result_free(&result);
}

/* A hint, never trusted: every byte of it, in turn. */
static void a_changed_index_hides_nothing(void **state)
{
    (void)state;
    archive_many(DATE, 0);
    assert_int_equal(verify(DATE), SCB_VERIFY_VALID);
    off_t size = temp_stat(INDEX).st_size;
    assert_int_equal(size, 64 + COUNT * 12);
    for (off_t i = 0; i < size; i++) {
        flip(INDEX, i, 0x81);
        assert_found(keys[(7 * i + 3) % (COUNT - 1)], (uint64_t)((7 * i + 3) % (COUNT - 1) / PAGE));
        flip(INDEX, i, 0x81);
    }
    /* Every key is said to be in a page beside its own. */
    for (off_t i = 64 + 8; i < size; i += 12)
        flip(INDEX, i, 1);
    assert_all_found();
    static const off_t cuts[] = {0, 10, 64, 65, 64 + 12 * 10};
    for (size_t i = 0; i < SCB_LENGTH(cuts); i++) {
        assert_int_equal(truncate(temp_path(INDEX), cuts[i]), 0);
        assert_all_found();
        assert_int_equal(verify(DATE), SCB_VERIFY_VALID); /* which makes it again */
        assert_int_equal(temp_stat(INDEX).st_size, size);
    }
    scb_get_result_free(&result);
}

static void the_index_of_another_archive_is_none(void **state)
{
    (void)state;
    archive_many("2024-01-14", 1000);
    assert_int_equal(verify("2024-01-14"), SCB_VERIFY_VALID);
    archive_many(DATE, 0);
    char other[512];
    (void)snprintf(other, sizeof(other), "%s", temp_path("backups/2024-01-14/keys.index"));
    assert_int_equal(rename(other, temp_path(INDEX)), 0);
    assert_all_found();
    flip(archive_name(DATE), 60, 1);
    assert_int_equal(get(keys[COUNT / 2]), SCB_ERROR_INTEGRITY); /* it was looked through */
}

static void only_a_whole_backup_gets_one(void **state)
{
    (void)state;
    archive_many(DATE, 0);
    flip("backups/" DATE "/page_7.json", 5, 1);
    assert_int_equal(verify(DATE), SCB_VERIFY_INVALID);
    assert_false(has_index());
    assert_null(strstr(temp_list("backups/" DATE), ".tmp"));
    flip("backups/" DATE "/page_7.json", 5, 1);
    temp_mkdir(INDEX); /* it cannot be written */
    assert_int_equal(verify(DATE), SCB_VERIFY_VALID);
    assert_null(strstr(temp_list("backups/" DATE), ".tmp"));
    assert_int_equal(rmdir(temp_path(INDEX)), 0);
    for (enum call call = CALL_WRITE; call <= CALL_RENAME; call++) {
        calls_fail(call, 1, EIO);
        assert_int_equal(verify(DATE), SCB_VERIFY_VALID);
        assert_false(has_index());
        assert_null(strstr(temp_list("backups/" DATE), ".tmp"));
        calls_reset();
    }
    assert_int_equal(verify(DATE), SCB_VERIFY_VALID);
    assert_true(has_index());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(finds_keys_with_an_index_and_without),
        IN_HOUSE(reads_no_other_page_with_an_index),
        IN_HOUSE(gives_the_first_of_keys_that_are_there_twice),
        IN_HOUSE(a_changed_index_hides_nothing),
        IN_HOUSE(the_index_of_another_archive_is_none),
        IN_HOUSE(only_a_whole_backup_gets_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
