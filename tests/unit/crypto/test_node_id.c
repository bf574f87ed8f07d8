/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/node_id: text both ways, difficulty as Storj counts it, lists, what is refused.
 * Node IDs of certificates: test_identity.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "crypto/base58.h"
#include "crypto/node_id.h"

/* Of storj/common's tests. */
static const struct {
    const char *text, *hex;
    unsigned difficulty;
} known[] = {
    {"1xTwTPLWfiqffa5VbA9c7ZZgkhZuAqdp4aphJ6udVWU2LadQF",
     "022bde36db5859a30ca5476b5c9853bcbe45178af75e799ad80b057de82ad000", 12},
    {"12CdMQyKSuUSHtmbsjgkGbcsvSFnp6kPrtuMnVW2MPAD8Gy9yUp",
     "9e18982084b6a7f1b5141bf09e01f108e6438c1f6ffdcd9dff92826e9eb2e000", 13},
};

static void known_ids_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(known); i++) {
        struct scb_node_id id, expected;
        char text[SCB_NODE_ID_TEXT_SIZE];
        assert_true(scb_text_unhex(known[i].hex, sizeof(expected.bytes), expected.bytes));
        assert_int_equal(scb_node_id_parse(known[i].text, &id, NULL), SCB_OK);
        assert_true(scb_node_id_equal(&id, &expected));
        assert_int_equal(scb_node_id_format(&id, text, NULL), SCB_OK);
        assert_string_equal(text, known[i].text);
        assert_int_equal(scb_node_id_difficulty(&id), known[i].difficulty);
    }
}

static void difficulty_counts_zero_bits_from_the_end(void **state)
{
    (void)state;
    struct scb_node_id id = {{0}};
    assert_int_equal(scb_node_id_difficulty(&id), 256);
    id.bytes[31] = 1; /* the version's byte, whatever it is */
    assert_int_equal(scb_node_id_difficulty(&id), 256);
    id.bytes[0] = 0x80;
    assert_int_equal(scb_node_id_difficulty(&id), 255);
    id.bytes[28] = 0x10;
    assert_int_equal(scb_node_id_difficulty(&id), 28);
    id.bytes[30] = 1;
    assert_int_equal(scb_node_id_difficulty(&id), 8);
}

static void the_widest_id_has_room(void **state)
{
    (void)state;
    struct scb_node_id id;
    char text[SCB_NODE_ID_TEXT_SIZE];
    memset(id.bytes, 0xff, sizeof(id.bytes));
    assert_int_equal(scb_node_id_format(&id, text, NULL), SCB_OK);
    assert_true(strlen(text) < sizeof(text));
}

static void lists(void **state)
{
    (void)state;
    struct scb_node_id ids[2], other = {{1}};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(scb_node_id_parse(known[i].text, &ids[i], NULL), SCB_OK);
    struct scb_node_ids both = {ids, 2}, one = {ids, 1}, none = {NULL, 0};
    assert_true(scb_node_ids_contain(&both, &ids[0]));
    assert_true(scb_node_ids_contain(&both, &ids[1]));
    assert_false(scb_node_ids_contain(&one, &ids[1]));
    assert_false(scb_node_ids_contain(&both, &other));
    assert_false(scb_node_ids_contain(&none, &ids[0]));
}

static void assert_refused(const char *text, const char *because)
{
    struct scb_node_id id;
    struct scb_error error = {0};
    if (scb_node_id_parse(text, &id, &error) != SCB_ERROR_VALIDATION ||
        strstr(error.message, because) == NULL)
        fail_msg("%s: %s", text, error.message);
    assert_non_null(strstr(error.hint, "identity show"));
}

static void others_are_refused(void **state)
{
    (void)state;
    uint8_t data[SCB_NODE_ID_SIZE + 1] = {1};
    char text[SCB_BASE58_TEXT_SIZE];
    assert_refused("", "too short");
    assert_refused("1xTwTPLWfiqffa5VbA9c7ZZgkhZuAqdp4aphJ6udVWU2LadQf", "checksum");
    assert_refused("1xTwTPLWfiqffa5VbA9c7ZZgkhZuAqdp4aphJ6udVWU2LadQF ", "digit");
    assert_int_equal(scb_base58check_encode(0, (struct scb_bytes){data, 33}, text, NULL), SCB_OK);
    assert_refused(text, "33 bytes");
    assert_int_equal(scb_base58check_encode(0, (struct scb_bytes){data, 31}, text, NULL), SCB_OK);
    assert_refused(text, "31 bytes");
    assert_int_equal(scb_base58check_encode(1, (struct scb_bytes){data, 32}, text, NULL), SCB_OK);
    assert_refused(text, "version");
    data[31] = 1;
    assert_int_equal(scb_base58check_encode(0, (struct scb_bytes){data, 32}, text, NULL), SCB_OK);
    assert_refused(text, "version");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_ids_both_ways),
        cmocka_unit_test(difficulty_counts_zero_bits_from_the_end),
        cmocka_unit_test(the_widest_id_has_room),
        cmocka_unit_test(lists),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
