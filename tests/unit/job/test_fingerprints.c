/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints: what matches and what does not, keys seen twice, what was never seen, the bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "job/fingerprints.h"

static struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

static struct scb_entry entry_of(const char *key, const char *value, const char *version)
{
    return (struct scb_entry){bytes_of(key), bytes_of(value), bytes_of(version)};
}

static struct scb_fingerprints *three(void)
{
    struct scb_fingerprints *made = NULL;
    static const char *const keys[] = {"b", "a", ""};
    assert_int_equal(scb_fingerprints_new(3, 1 << 20, &made, NULL), SCB_OK);
    for (uint64_t i = 0; i < 3; i++) {
        struct scb_entry entry = entry_of(keys[i], "value", "v1");
        assert_int_equal(scb_fingerprints_add(made, i, &entry, NULL), SCB_OK);
    }
    scb_fingerprints_sort(made);
    return made;
}

static enum scb_match match(struct scb_fingerprints *fingerprints, const char *key,
                            const char *value, const char *version, const char *suffix)
{
    struct scb_entry entry = entry_of(key, value, version);
    enum scb_match found = SCB_MATCH_NONE;
    assert_int_equal(scb_fingerprints_match(fingerprints, &entry, bytes_of(suffix), &found, NULL),
                     SCB_OK);
    return found;
}

static void test_what_matches(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value, *version, *suffix;
        enum scb_match expected;
    } table[] = {
        {"a", "value", "v1", "", SCB_MATCH_EQUAL},
        {"", "value", "v1", "", SCB_MATCH_EQUAL},
        {"c", "value", "v1", "", SCB_MATCH_NONE},
        {"a", "Value", "v1", "", SCB_MATCH_OTHER},
        {"a", "value", "v2", "", SCB_MATCH_OTHER},
        {"a", "value", "v", "1", SCB_MATCH_EQUAL}, /* with the suffix it is */
        {"a", "value", "v1", "-x", SCB_MATCH_EQUAL},
        {"a", "valuev", "1", "", SCB_MATCH_OTHER}, /* bytes do not change sides */
        {"a", "", "valuev1", "", SCB_MATCH_OTHER},
    };
    struct scb_fingerprints *fingerprints = three();
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        scb_fingerprints_forget_seen(fingerprints);
        enum scb_match found =
            match(fingerprints, table[i].key, table[i].value, table[i].version, table[i].suffix);
        if (found != table[i].expected)
            fail_msg("row %zu: %d", i, (int)found);
    }
    scb_fingerprints_free(fingerprints);
}

static void test_a_key_that_comes_twice(void **state)
{
    (void)state;
    struct scb_fingerprints *fingerprints = three();
    assert_int_equal(match(fingerprints, "a", "other", "v1", ""), SCB_MATCH_OTHER);
    assert_int_equal(match(fingerprints, "a", "third", "v1", ""), SCB_MATCH_AGAIN);
    assert_int_equal(match(fingerprints, "a", "value", "v1", ""), SCB_MATCH_EQUAL);
    scb_fingerprints_forget_seen(fingerprints);
    assert_int_equal(match(fingerprints, "a", "other", "v1", ""), SCB_MATCH_OTHER);
    scb_fingerprints_free(fingerprints);
}

static void test_what_was_never_seen(void **state)
{
    (void)state;
    enum { COUNT = 100 };
    struct scb_fingerprints *made = NULL;
    uint64_t indexes[4] = {0};
    char key[16];
    assert_int_equal(scb_fingerprints_new(COUNT, 1 << 20, &made, NULL), SCB_OK);
    for (uint64_t i = 0; i < COUNT; i++) {
        (void)snprintf(key, sizeof(key), "key %d", (int)i);
        struct scb_entry entry = entry_of(key, "", "");
        assert_int_equal(scb_fingerprints_add(made, i, &entry, NULL), SCB_OK);
    }
    scb_fingerprints_sort(made);
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(key, sizeof(key), "key %d", i);
        if (i % 10 != 7)
            assert_int_equal(match(made, key, "", "", ""), SCB_MATCH_EQUAL);
    }
    assert_int_equal(scb_fingerprints_unseen(made, indexes, 4), 10);
    static const uint64_t lowest[] = {7, 17, 27, 37};
    assert_memory_equal(indexes, lowest, sizeof(lowest));
    scb_fingerprints_free(made);
}

static void test_no_more_than_its_memory(void **state)
{
    (void)state;
    struct scb_fingerprints *made = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_fingerprints_new(19, 1024, &made, &error), SCB_ERROR_RESOURCE);
    assert_null(made);
    assert_non_null(strstr(error.hint, "backup.memory_limit"));
    assert_int_equal(scb_fingerprints_new(18, 1024, &made, &error), SCB_OK); /* of 56 bytes */
    scb_fingerprints_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_matches),
        cmocka_unit_test(test_a_key_that_comes_twice),
        cmocka_unit_test(test_what_was_never_seen),
        cmocka_unit_test(test_no_more_than_its_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
