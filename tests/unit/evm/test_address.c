/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses: prefixes, case and EIP-55, what is refused and what is said about it, published
 * vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ctype.h>
#include <string.h>

#include "../vectors.h"
#include "base/memory.h"
#include "evm/address.h"

static void assert_parses(const char *text, const char *expected)
{
    struct scb_error error = {0};
    struct scb_address address;
    if (scb_address_parse(text, &address, &error) != SCB_OK)
        fail_msg("%s: %s", text, error.message);
    char formatted[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&address, formatted);
    assert_string_equal(formatted, expected);
}

static void assert_refused(const char *text, const char *because)
{
    struct scb_error error = {0};
    struct scb_address address = {{7}};
    assert_int_equal(scb_address_parse(text, &address, &error), SCB_ERROR_VALIDATION);
    assert_non_null(strstr(error.message, because));
    assert_string_not_equal(error.hint, "");
    assert_int_equal(address.bytes[0], 7);
    assert_int_equal(scb_address_parse(text, &address, NULL), SCB_ERROR_VALIDATION);
}

static void test_accepted_forms(void **state)
{
    (void)state;
    static const char right[] = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"; /* of EIP-55 */
    static const char *const forms[] = {
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "xdc5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "XDC5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "xdc5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED",
    };
    for (size_t i = 0; i < SCB_LENGTH(forms); i++)
        assert_parses(forms[i], right);
    assert_parses("0x0000000000000000000000000000000000000000",
                  "0x0000000000000000000000000000000000000000");
}

static void test_refused_forms(void **state)
{
    (void)state;
    static const char *const forms[] = {
        "",
        "0x",
        "xdc",
        "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed1",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaeg",
        "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae ",
        " 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
        "xdc0x5aaeb6053f3e94c9b9a09f33669435e7ef1bea",
    };
    for (size_t i = 0; i < SCB_LENGTH(forms); i++)
        assert_refused(forms[i], "is no address");
}

static void test_wrong_checksum_says_the_right_one(void **state)
{
    (void)state;
    assert_refused("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD", "EIP-55");
    struct scb_error error = {0};
    struct scb_address address;
    assert_int_equal(
        scb_address_parse("0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", &address, &error),
        SCB_ERROR_VALIDATION);
    assert_non_null(strstr(error.hint, "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"));
}

static void test_a_private_key_is_not_shown(void **state)
{
    (void)state;
    struct scb_error error = {0};
    struct scb_address address;
    assert_int_equal(
        scb_address_parse("0x1111111111111111111111111111111111111111111111111111111111111111",
                          &address, &error),
        SCB_ERROR_VALIDATION);
    assert_null(strstr(error.message, "1111"));
    assert_non_null(strstr(error.message, "66 characters"));
}

static void test_published_vectors(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethers/accounts.json.gz");
    if (vectors == NULL)
        skip();
    size_t index, checked = 0;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        const char *right = vectors_text(vector, "address");
        char text[SCB_ADDRESS_TEXT_SIZE];
        assert_int_equal(strlen(right), sizeof(text) - 1);
        memcpy(text, right, sizeof(text));
        assert_parses(text, right);
        /* One letter in the other case must show, unless it was the only one of its case. */
        char *letter = strpbrk(text, "ABCDEF");
        if (letter == NULL || strpbrk(letter + 1, "ABCDEF") == NULL)
            continue;
        *letter = (char)tolower(*letter);
        assert_refused(text, "EIP-55");
        checked++;
    }
    assert_true(checked > 200);
    json_decref(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepted_forms),
        cmocka_unit_test(test_refused_forms),
        cmocka_unit_test(test_wrong_checksum_says_the_right_one),
        cmocka_unit_test(test_a_private_key_is_not_shown),
        cmocka_unit_test(test_published_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
