/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keccak-256: known answers, lengths around the border of a block, published vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "../vectors.h"
#include "base/text.h"
#include "evm/keccak.h"

static void assert_hash(const void *data, size_t size, const char *expected)
{
    uint8_t hash[SCB_KECCAK256_SIZE];
    char text[2 * SCB_KECCAK256_SIZE + 1];
    scb_keccak256(data, size, hash);
    scb_text_hex(hash, sizeof(hash), text);
    assert_string_equal(text, expected);
}

static void test_known_answers(void **state)
{
    (void)state;
    assert_hash(NULL, 0, "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    assert_hash("abc", 3, "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
    assert_hash("Transfer(address,address,uint256)", 33,
                "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

/* Lengths of one byte under, at and over the block of 136, and of several blocks. */
static void test_block_borders(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *hash;
    } table[] = {
        {135, "34367dc248bbd832f4e3e69dfaac2f92638bd0bbd18f2912ba4ef454919cf446"},
        {136, "a6c4d403279fe3e0af03729caada8374b5ca54d8065329a3ebcaeb4b60aa386e"},
        {137, "d869f639c7046b4929fc92a4d988a8b22c55fbadb802c0c66ebcd484f1915f39"},
        {272, "cf7fcd4f705ee749930d19ca84561a9bf62516bd90a471545fa2f49fdc7e63c8"},
        {1000, "b6a4ac1f51884d71f30fa397a5e155de3099e11fc0edef5d08b646e621e19de9"},
    };
    char data[1000];
    memset(data, 'a', sizeof(data));
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_hash(data, table[i].size, table[i].hash);
}

static void test_published_vectors(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethers/hashes.json.gz");
    if (vectors == NULL)
        skip();
    size_t index;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        const char *digits = vectors_text(vector, "data") + 2;
        uint8_t data[1024];
        size_t size = strlen(digits) / 2;
        assert_true(size <= sizeof(data) && scb_text_unhex(digits, size, data));
        assert_hash(data, size, vectors_text(vector, "keccak256") + 2);
    }
    assert_true(index > 200);
    json_decref(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_answers),
        cmocka_unit_test(test_block_borders),
        cmocka_unit_test(test_published_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
