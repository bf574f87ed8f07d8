/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts: what people write, what they are shown, what nodes say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/memory.h"
#include "evm/wei.h"

static void test_amounts_that_people_write(void **state)
{
    (void)state;
    static const struct {
        const char *text, *digits;
    } table[] = {
        {"25gwei", "25000000000"},
        {"0.1ether", "100000000000000000"},
        {"0.1 eth", "100000000000000000"},
        {"1.5XDC", "1500000000000000000"},
        {"1000wei", "1000"},
        {"0wei", "0"},
        {"0.000000001gwei", "1"},
        {".5gwei", "500000000"},
        {"1000000000ether", "1000000000000000000000000000"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        scb_wei wei = 0;
        char digits[SCB_WEI_TEXT_SIZE];
        if (scb_wei_parse(table[i].text, &wei, &error) != SCB_OK)
            fail_msg("%s: %s", table[i].text, error.message);
        scb_wei_digits(wei, digits);
        assert_string_equal(digits, table[i].digits);
    }
}

static void test_what_is_no_amount(void **state)
{
    (void)state;
    static const char *const table[] = {"",
                                        "1",
                                        "ether",
                                        "1,5ether",
                                        "-1gwei",
                                        "1.5wei",
                                        "1e9wei",
                                        "1.2.3gwei",
                                        "5.gwei",
                                        "1gweix",
                                        ".gwei",
                                        "0x10wei",
                                        "999999999999999999999999999999999999999ether"};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        scb_wei wei = 7;
        if (scb_wei_parse(table[i], &wei, &error) != SCB_ERROR_VALIDATION)
            fail_msg("%s was taken", table[i]);
        assert_string_not_equal(error.hint, "");
        assert_true(wei == 7);
    }
}

static void test_amounts_that_people_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *shown;
    } table[] = {
        {"0wei", "0 wei"},
        {"999999wei", "999999 wei"},
        {"0.001gwei", "0.001 gwei"},
        {"25gwei", "25 gwei"},
        {"1.0000001gwei", "1.000001 gwei"}, /* never less than it is */
        {"0.001ether", "0.001 ether"},
        {"12.3456789ether", "12.345679 ether"},
        {"1ether", "1 ether"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        scb_wei wei = 0;
        char shown[SCB_WEI_TEXT_SIZE];
        assert_int_equal(scb_wei_parse(table[i].text, &wei, NULL), SCB_OK);
        scb_wei_format(wei, shown);
        assert_string_equal(shown, table[i].shown);
    }
    char shown[SCB_WEI_TEXT_SIZE];
    scb_wei_format(SCB_WEI_MAX, shown);
    assert_string_equal(shown, "340282366920938463463.374607 ether");
}

static void test_numbers_of_nodes(void **state)
{
    (void)state;
    static const struct {
        const char *text, *digits;
    } table[] = {
        {"0x0", "0"},
        {"0x3b9aca00", "1000000000"},
        {"0x10000000000000000", "18446744073709551616"},
        {"0xffffffffffffffffffffffffffffffffffff", "340282366920938463463374607431768211455"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        json_t *value = json_string(table[i].text);
        scb_wei wei = 0;
        char text[SCB_WEI_TEXT_SIZE];
        assert_int_equal(scb_wei_quantity(value, "it", &wei, NULL), SCB_OK);
        scb_wei_digits(wei, text);
        assert_string_equal(text, table[i].digits);
        if (i < 3) {
            scb_wei_hex(wei, text);
            assert_string_equal(text, table[i].text);
        }
        json_decref(value);
    }
    static const char *const wrong[] = {"", "0x", "12", "0x1g", "x1"};
    for (size_t i = 0; i < SCB_LENGTH(wrong); i++) {
        json_t *value = json_string(wrong[i]);
        scb_wei wei = 0;
        assert_int_equal(scb_wei_quantity(value, "it", &wei, NULL), SCB_ERROR_CONTRACT);
        json_decref(value);
    }
    assert_int_equal(scb_wei_quantity(NULL, "it", &(scb_wei){0}, NULL), SCB_ERROR_CONTRACT);
}

static void test_arithmetic_ends_at_the_largest(void **state)
{
    (void)state;
    assert_true(scb_wei_times(SCB_WEI_MAX, 2) == SCB_WEI_MAX);
    assert_true(scb_wei_plus(SCB_WEI_MAX, 1) == SCB_WEI_MAX);
    assert_true(scb_wei_plus(scb_wei_times(3, 4), 5) == 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_amounts_that_people_write),
        cmocka_unit_test(test_what_is_no_amount),
        cmocka_unit_test(test_amounts_that_people_read),
        cmocka_unit_test(test_numbers_of_nodes),
        cmocka_unit_test(test_arithmetic_ends_at_the_largest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
