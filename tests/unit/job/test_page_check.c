/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers job/page_check: sizes at their limits, odd entries counted or refused, duplicates found
 * and none invented.
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

#include "base/memory.h"
#include "job/page_check.h"

static const struct scb_page_rules lax = {.max_key_size = 8, .max_value_size = 2048};
static const struct scb_page_rules strict = {
    .max_key_size = 8, .max_value_size = 2048, .strict = true};

static char text[4096]; /* what entries are cut from */

static struct scb_bytes bytes(const char *from, size_t size)
{
    return (struct scb_bytes){(const uint8_t *)from, size};
}

static struct scb_entry entry(size_t key, size_t value, size_t version)
{
    return (struct scb_entry){bytes(text, key), bytes(text, value), bytes(text, version)};
}

static void begin(struct scb_page_check *check, const struct scb_page_rules *rules, uint64_t keys)
{
    assert_int_equal(scb_page_check_begin(check, rules, keys, NULL), SCB_OK);
}

static void a_size_over_its_limit_fails_the_page(void **state)
{
    (void)state;
    static const struct {
        size_t key, value, version;
        const char *message, *hint; /* NULL: it is fine */
    } table[] = {
        {8, 2048, 8, NULL, NULL},
        {9, 1, 1, "entry 1717: its key has 9 bytes, over backup.max_key_size (8B)",
         "raise backup.max_key_size; nothing is cut short or left out"},
        {1, 1, 9, "entry 1717: its version id has 9 bytes, over backup.max_key_size (8B)",
         "raise backup.max_key_size; nothing is cut short or left out"},
        {1, 2049, 1, "entry 1717: its value has 2049 bytes, over backup.max_value_size (2KiB)",
         "raise backup.max_value_size; nothing is cut short or left out"},
        {0, 2049, 0, "entry 1717: its value has 2049 bytes, over backup.max_value_size (2KiB)",
         "raise backup.max_value_size; nothing is cut short or left out"},
    };
    memset(text, 'S', sizeof(text)); /* nothing of it may be in a message */
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_page_check check = {0};
        struct scb_error error = {0};
        struct scb_entry one = entry(table[i].key, table[i].value, table[i].version);
        begin(&check, &lax, 1);
        enum scb_status status = scb_page_check_entry(&check, 1717, &one, &error);
        assert_int_equal(status, table[i].message == NULL ? SCB_OK : SCB_ERROR_RESOURCE);
        assert_string_equal(error.message, table[i].message == NULL ? "" : table[i].message);
        assert_string_equal(error.hint, table[i].hint == NULL ? "" : table[i].hint);
        scb_page_check_free(&check);
    }
}

static void odd_entries_are_counted_or_refused(void **state)
{
    (void)state;
    static const struct {
        size_t key, version;
        struct scb_warnings warnings; /* after the entry "SS" and this one */
        const char *message;          /* where validation is strict */
    } table[] = {
        {1, 1, {0}, ""},
        {0, 1, {.empty_keys = 1}, "entry 18: an empty key"},
        {1, 0, {.empty_versions = 1}, "entry 18: an empty version id"},
        {2, 1, {.duplicate_keys = 1}, "entry 18: a key that its page has already"},
        {0, 0, {.empty_keys = 1, .empty_versions = 1}, "entry 18: an empty key"},
        {2, 0, {.duplicate_keys = 1, .empty_versions = 1}, "entry 18: an empty version id"}};
    memset(text, 'S', sizeof(text));
    for (size_t i = 0; i < 2 * SCB_LENGTH(table); i++) {
        const struct scb_page_rules *rules = i % 2 == 0 ? &lax : &strict;
        struct scb_page_check check = {0};
        struct scb_error error = {0};
        struct scb_entry first = entry(2, 1, 1),
                         one = entry(table[i / 2].key, 0, table[i / 2].version);
        begin(&check, rules, 2);
        assert_int_equal(scb_page_check_entry(&check, 17, &first, &error), SCB_OK);
        enum scb_status status = scb_page_check_entry(&check, 18, &one, &error);
        bool refused = rules->strict && table[i / 2].message[0] != '\0';
        assert_int_equal(status, refused ? SCB_ERROR_VALIDATION : SCB_OK);
        assert_string_equal(error.message, refused ? table[i / 2].message : "");
        if (!rules->strict)
            assert_memory_equal(&check.warnings, &table[i / 2].warnings, sizeof(check.warnings));
        scb_page_check_free(&check);
    }
}

/* Keys that are alike: each way must give as many different ones as there are entries. */
enum likeness { NUMBERED, NUMBERED_AT_END, LENGTHS, NULS, WORDS };

static struct scb_bytes make_key(enum likeness likeness, size_t i, char room[512])
{
    memset(room, likeness == NULS ? '\0' : 'k', 512);
    switch (likeness) {
    case NUMBERED:
        return bytes(room, (size_t)snprintf(room, 512, "%zu", i));
    case NUMBERED_AT_END:
        return bytes(room, (size_t)snprintf(room, 512, "user_profile_of_a_tenant_%08zu", i));
    case LENGTHS:
    case NULS:
        return bytes(room, i);
    case WORDS: /* one bit of 64 bytes */
        room[i / 8] = (char)(room[i / 8] ^ 1 << i % 8);
        return bytes(room, 64);
    }
    return bytes(room, 0);
}

static void duplicates_are_found_and_none_invented(void **state)
{
    (void)state;
    static const struct {
        enum likeness likeness;
        size_t count;
    } table[] = {
        {NUMBERED, 10000}, {NUMBERED_AT_END, 10000}, {LENGTHS, 500}, {NULS, 500}, {WORDS, 512}};
    static const struct scb_page_rules wide = {.max_key_size = 512};
    struct scb_page_check check = {0};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        char room[512];
        size_t count = table[i].count;
        begin(&check, &wide, 2 * count);
        for (size_t n = 0; n < 2 * count; n++) { /* all of them, and all of them again */
            struct scb_entry one = {.key = make_key(table[i].likeness, n % count, room),
                                    .version_id = bytes(text, 1)};
            assert_int_equal(scb_page_check_entry(&check, n, &one, NULL), SCB_OK);
            assert_int_equal(check.warnings.duplicate_keys, n < count ? 0 : n - count + 1);
        }
    }
    scb_page_check_free(&check);
}

static void a_page_knows_nothing_of_the_one_before(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {100, 1, 0, 100, 10000, 7, 16, 8};
    struct scb_page_check check = {0};
    for (size_t i = 0; i < SCB_LENGTH(sizes); i++) {
        begin(&check, &lax, sizes[i]);
        for (uint64_t n = 0; n < sizes[i]; n++) {
            char room[512];
            struct scb_entry one = {.key = make_key(NUMBERED, n, room),
                                    .version_id = bytes(text, 0)};
            assert_int_equal(scb_page_check_entry(&check, n, &one, NULL), SCB_OK);
        }
        assert_int_equal(check.warnings.duplicate_keys, 0);
        assert_int_equal(check.warnings.empty_versions, sizes[i]);
        assert_true(check.table_size > 2 * sizes[i]);
    }
    scb_page_check_free(&check);
    assert_null(check.hashes);
    scb_page_check_free(&check);
}

static void nobody_can_know_the_hashes(void **state)
{
    (void)state;
    struct scb_page_check one = {0}, other = {0};
    begin(&one, &lax, 1);
    begin(&other, &lax, 1);
    assert_int_not_equal(one.seed, other.seed);
    scb_page_check_free(&one);
    scb_page_check_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_size_over_its_limit_fails_the_page),
        cmocka_unit_test(odd_entries_are_counted_or_refused),
        cmocka_unit_test(duplicates_are_found_and_none_invented),
        cmocka_unit_test(a_page_knows_nothing_of_the_one_before),
        cmocka_unit_test(nobody_can_know_the_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
