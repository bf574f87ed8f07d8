/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/base58: known texts both ways, zeros in front, the largest data, what is refused.
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

/* Bitcoin's first address, a private key in WIF, zeros, nothing. */
static const struct {
    uint8_t prefix;
    const char *hex, *text;
} known[] = {
    {0, "62e907b15cbf27d5425399ebf6f0fb50ebb88f18", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"},
    {128, "0c28fca386c7a227600b2fe50b7cae11ec86d3bf1fbe471be89827e19d72aa1d",
     "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"},
    {0, "0000000000000000000000000000000000000000", "1111111111111111111114oLvT2"},
    {0, "", "1Wh4bh"},
};

static void known_texts_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(known); i++) {
        uint8_t data[SCB_BASE58_MAX_DATA], back[SCB_BASE58_MAX_DATA], prefix = 77;
        char text[SCB_BASE58_TEXT_SIZE];
        size_t size = strlen(known[i].hex) / 2, back_size = 77;
        assert_true(scb_text_unhex(known[i].hex, size, data));
        assert_int_equal(
            scb_base58check_encode(known[i].prefix, (struct scb_bytes){data, size}, text, NULL),
            SCB_OK);
        assert_string_equal(text, known[i].text);
        assert_int_equal(scb_base58check_decode(text, &prefix, back, &back_size, NULL), SCB_OK);
        assert_int_equal(prefix, known[i].prefix);
        assert_int_equal(back_size, size);
        assert_memory_equal(back, data, size);
    }
}

static void every_size_comes_back(void **state)
{
    (void)state;
    for (size_t size = 0; size <= SCB_BASE58_MAX_DATA; size++)
        for (int fill = 0; fill < 256; fill += 51) {
            uint8_t data[SCB_BASE58_MAX_DATA], back[SCB_BASE58_MAX_DATA], prefix = 77;
            char text[SCB_BASE58_TEXT_SIZE];
            size_t back_size = 77;
            memset(data, fill, sizeof(data));
            assert_int_equal(
                scb_base58check_encode((uint8_t)fill, (struct scb_bytes){data, size}, text, NULL),
                SCB_OK);
            assert_int_equal(scb_base58check_decode(text, &prefix, back, &back_size, NULL), SCB_OK);
            assert_int_equal(prefix, fill);
            assert_int_equal(back_size, size);
            assert_memory_equal(back, data, size);
        }
}

static void others_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *because;
    } table[] = {
        {"", "too short"},
        {"1111", "too short"},
        {"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "checksum"},
        {"A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "checksum"},
        {"11A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "checksum"},
        {"1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf0a", "no base58 digit"},
        {" 1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "no base58 digit"},
        {"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa\n", "no base58 digit"},
        {"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
         "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz",
         "too long"},
        {"11111111111111111111111111111111111111111111111111"
         "1111111111111111111111111111111111111111111111111",
         "too long"},
        {"11111111111111111111111111111111111111111111111111"
         "11111111111111111111111111111111111111111111111111111111111",
         "too long"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        uint8_t prefix = 77, data[SCB_BASE58_MAX_DATA];
        size_t size = 77;
        struct scb_error error = {0};
        if (scb_base58check_decode(table[i].text, &prefix, data, &size, &error) !=
                SCB_ERROR_VALIDATION ||
            strstr(error.message, table[i].because) == NULL)
            fail_msg("%s: %s", table[i].text, error.message);
        assert_int_equal(size, 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts_both_ways),
        cmocka_unit_test(every_size_comes_back),
        cmocka_unit_test(others_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
