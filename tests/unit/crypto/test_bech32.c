/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/bech32: the examples of C2SP age.md, every size there and back, every digit
 * changed, wrong case, length, prefix and padding.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <ctype.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "crypto/bech32.h"

static const char recipient[] = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
static const char identity[] =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

static bool decode(const char *prefix, const char *text, uint8_t *data, size_t size)
{
    return scb_bech32_decode(prefix, (struct scb_bytes){(const uint8_t *)text, strlen(text)}, data,
                             size);
}

static void the_examples_of_the_specification(void **state)
{
    (void)state;
    uint8_t data[32], expected[32];
    char text[80];
    memset(expected, 0x42, sizeof(expected));
    assert_true(decode("AGE-SECRET-KEY-", identity, data, 32));
    assert_memory_equal(data, expected, 32);
    scb_bech32_encode("AGE-SECRET-KEY-", data, 32, text);
    assert_string_equal(text, identity);
    assert_true(decode("age", recipient, data, 32));
    scb_bech32_encode("age", data, 32, text);
    assert_string_equal(text, recipient);
}

static void every_size_there_and_back(void **state)
{
    (void)state;
    uint8_t data[SCB_BECH32_MAX_BYTES], back[SCB_BECH32_MAX_BYTES];
    for (size_t size = 0; size <= sizeof(data); size++) {
        char text[SCB_BECH32_TEXT_SIZE(1, SCB_BECH32_MAX_BYTES)];
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(size * 31 + i * 77);
        scb_bech32_encode("x", data, size, text);
        assert_int_equal(strlen(text) + 1, SCB_BECH32_TEXT_SIZE(1, size));
        assert_true(decode("x", text, back, size));
        assert_memory_equal(back, data, size);
    }
}

static void one_changed_digit_is_found(void **state)
{
    (void)state;
    uint8_t data[32];
    for (size_t i = 0; i < strlen(recipient); i++)
        for (int with = 1; with < 256; with++) {
            char text[sizeof(recipient)];
            memcpy(text, recipient, sizeof(text));
            if (text[i] == (char)with)
                continue;
            text[i] = (char)with;
            assert_false(decode("age", text, data, sizeof(data)));
        }
}

static void other_texts_are_refused(void **state)
{
    (void)state;
    uint8_t data[32] = {7}, untouched[32] = {7};
    char upper[sizeof(recipient)];
    for (size_t i = 0; i < sizeof(upper); i++)
        upper[i] = (char)toupper((unsigned char)recipient[i]);
    assert_false(decode("age", upper, data, 32));
    assert_false(decode("ag", recipient, data, 32));
    assert_false(decode("age", "", data, 32));
    assert_false(decode("age", "age1", data, 32));
    assert_false(decode("age", recipient, data, 31));
    assert_false(decode("age", recipient, data, 33));
    assert_false(decode("AGE-SECRET-KEY-", recipient, data, 32));
    assert_memory_equal(data, untouched, 32);
    assert_true(decode("AGE", upper, data, 32));
}

/* 32 bytes and 4 bits that fill up, the last of which is set; its checksum is right. */
static void set_bits_that_fill_up_are_refused(void **state)
{
    (void)state;
    uint8_t data[32];
    assert_false(
        decode("age", "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73epp9g8nq", data, 32));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_specification),
        cmocka_unit_test(every_size_there_and_back),
        cmocka_unit_test(one_changed_digit_is_found),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(set_bits_that_fill_up_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
