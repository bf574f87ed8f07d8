/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/diff: keys that were added, removed or changed, in the order of their bytes; keys that
 * a backup has more than once; more keys than memory holds.
 */
#include "archived.h"

#include "job/diff.h"

#define OLD "2024-01-14"
#define NEW "2024-01-15"

static struct scb_diff_result result;
static char seen[65536];

static const char *text_of(struct scb_bytes bytes)
{
    static char texts[2][64];
    static int turn;
    turn = !turn;
    (void)snprintf(texts[turn], sizeof(texts[0]), "%.*s", (int)bytes.size, bytes.data);
    return texts[turn];
}

/* "+key(version) -key(version) ~key(old>new)", an exclamation mark where the value has changed. */
static enum scb_status note(void *state, const struct scb_difference *difference,
                            struct scb_error *error)
{
    (void)state;
    (void)error;
    size_t used = strlen(seen);
    bool added = difference->change == SCB_CHANGE_ADDED;
    bool changed = difference->change == SCB_CHANGE_CHANGED;
    const struct scb_diff_side *side = added ? &difference->new : &difference->old;
    used += (size_t)snprintf(seen + used, sizeof(seen) - used, "%s%c%s%s", used > 0 ? " " : "",
                             added     ? '+'
                             : changed ? '~'
                                       : '-',
                             text_of(difference->key), difference->value_changed ? "!" : "");
    used += (size_t)snprintf(seen + used, sizeof(seen) - used, "(%s", text_of(side->version_id));
    if (changed)
        used += (size_t)snprintf(seen + used, sizeof(seen) - used, ">%s",
                                 text_of(difference->new.version_id));
    (void)snprintf(seen + used, sizeof(seen) - used, ")");
    return SCB_OK;
}

static enum scb_status diff(const char *old, const char *new, size_t memory_limit)
{
    const struct scb_reading_parts parts = {
        .store = house.parts.store,
        .catalog = house.parts.catalog,
        .limits = {.max_key_size = 64 << 10, .max_value_size = 16 << 20},
        .memory_limit = memory_limit,
        .clock = &clock_2024};
    seen[0] = '\0';
    return scb_diff_run(&parts, old, new, note, NULL, &result, &house.error);
}

static void assert_diff(const char *expected)
{
    assert_ok(diff(OLD, NEW, 0));
    assert_string_equal(seen, expected);
}

static void says_what_is_added_removed_and_changed(void **state)
{
    (void)state;
    const struct scb_entry old[] = {entry_of("same", "1", "v1"), entry_of("gone", "2", "v1"),
                                    entry_of("other value", "3", "v1"),
                                    entry_of("other version", "4", "v1"), entry_of("b", "5", "v1")};
    const struct scb_entry new[] = {entry_of("other version", "4", "v2"),
                                    entry_of("b", "5", "v1"),
                                    entry_of("other value", "x", "v2"),
                                    entry_of("same", "1", "v1"),
                                    entry_of("a", "6", "v3"),
                                    entry_of("z", "7", "")};
    archive_entries(OLD, old, SCB_LENGTH(old), 2);
    archive_entries(NEW, new, SCB_LENGTH(new), 100);
    assert_diff("+a(v3) -gone(v1) ~other value!(v1>v2) ~other version(v1>v2) +z()");
    assert_int_equal(result.old_entries, 5);
    assert_int_equal(result.new_entries, 6);
    assert_int_equal(result.added, 2);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.changed, 2);
    assert_string_equal(result.old_date, OLD);
    assert_string_equal(result.new_date, NEW);
}

static void finds_nothing_where_nothing_has_changed(void **state)
{
    (void)state;
    const struct scb_entry old[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1"),
                                    entry_of("c", "3", "v1")};
    const struct scb_entry new[] = {old[2], old[0], old[1]};
    archive_entries(OLD, old, SCB_LENGTH(old), 2);
    archive_entries(NEW, new, SCB_LENGTH(new), 1);
    assert_diff("");
    archive_entries("2024-01-16", old, SCB_LENGTH(old), 2); /* the very same pages */
    assert_ok(diff(OLD, "2024-01-16", 0));
    assert_string_equal(seen, "");
    assert_int_equal(result.new_entries, 3);
    assert_ok(diff(OLD, OLD, 0));
    assert_string_equal(seen, "");
}

static void compares_with_an_empty_one(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("", "1", "v1"), entry_of("b", "2", "v1")};
    archive_entries(OLD, entries, SCB_LENGTH(entries), 2);
    archive_entries(NEW, NULL, 0, 2);
    assert_diff("-(v1) -b(v1)");
    assert_ok(diff(NEW, OLD, 0));
    assert_string_equal(seen, "+(v1) +b(v1)");
}

/* The order of a key's entries does not matter, only which they are. */
static void takes_the_entries_of_a_key_together(void **state)
{
    (void)state;
    const struct scb_entry old[] = {entry_of("k", "1", "v1"), entry_of("k", "2", "v2"),
                                    entry_of("twice", "1", "v1"), entry_of("version", "1", "v1"),
                                    entry_of("version", "1", "v2")};
    const struct scb_entry new[] = {entry_of("k", "2", "v2"),       entry_of("k", "1", "v1"),
                                    entry_of("twice", "1", "v1"),   entry_of("twice", "1", "v1"),
                                    entry_of("version", "1", "v1"), entry_of("version", "1", "v3")};
    archive_entries(OLD, old, SCB_LENGTH(old), 10);
    archive_entries(NEW, new, SCB_LENGTH(new), 10);
    assert_diff("~twice!(v1>v1) ~version(v1>v1)");
    assert_int_equal(result.changed, 2);
}

static void compares_more_than_memory_holds(void **state)
{
    (void)state;
    enum { COUNT = 60000 };
    static char keys[COUNT][24];
    static struct scb_entry old[COUNT], new[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "key %06d", (int)i);
        old[i] = entry_of(keys[i], "value", "v1");
        new[COUNT - 1 - i] = old[i];
    }
    new[10].value = bytes_of("other"); /* key 059989 */
    new[20].key = bytes_of("a new key");
    archive_entries(OLD, old, COUNT, 1000);
    archive_entries(NEW, new, COUNT, 777);
    assert_diff("+a new key(v1) -key 059979(v1) ~key 059989!(v1>v1)");
}

static void refuses_a_damaged_one(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1")};
    archive_entries(OLD, entries, 2, 2);
    archive_entries(NEW, entries, 1, 2);
    flip(archive_name(NEW), 60, 1);
    assert_int_equal(diff(OLD, NEW, 0), SCB_ERROR_INTEGRITY);
    assert_string_equal(seen, "");
    assert_int_equal(diff(OLD, "2024-01-13", 0), SCB_ERROR_NOT_FOUND);
}

/* Their manifests say the same, so that no page would be read. */
static void refuses_a_damaged_page_of_the_same_pages(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {entry_of("a", "1", "v1"), entry_of("b", "2", "v1")};
    archive_entries(OLD, entries, 2, 2);
    archive_entries(NEW, entries, 2, 2);
    assert_diff("");
    flip(archive_name(NEW), 60, 1);
    assert_int_equal(diff(OLD, NEW, 0), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "backup " NEW));
    change_database("UPDATE backup_final_status SET checksum = NULL"); /* as of an old database */
    assert_int_equal(diff(OLD, NEW, 0), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(house.error.message, "backup " NEW ": page_0.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_HOUSE(says_what_is_added_removed_and_changed),
        IN_HOUSE(finds_nothing_where_nothing_has_changed),
        IN_HOUSE(compares_with_an_empty_one),
        IN_HOUSE(takes_the_entries_of_a_key_together),
        IN_HOUSE(compares_more_than_memory_holds),
        IN_HOUSE(refuses_a_damaged_one),
        IN_HOUSE(refuses_a_damaged_page_of_the_same_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
