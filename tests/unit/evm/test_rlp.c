/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RLP: numbers, the border between short and long, published vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../vectors.h"
#include "base/memory.h"
#include "base/text.h"
#include "evm/rlp.h"

enum { MAX_RLP = 1 << 20 };

static void assert_encoding(const struct scb_buffer *buffer, const char *expected)
{
    char *digits = malloc(2 * buffer->size + 1);
    assert_non_null(digits);
    scb_text_hex(buffer->data, buffer->size, digits);
    assert_string_equal(digits, expected);
    free(digits);
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        scb_wei number;
        const char *expected;
    } table[] = {
        {0, "80"},
        {1, "01"},
        {127, "7f"},
        {128, "8180"},
        {256, "820100"},
        {UINT64_MAX, "88ffffffffffffffff"},
        {(scb_wei)UINT64_MAX + 1, "89010000000000000000"},
        {SCB_WEI_MAX, "90ffffffffffffffffffffffffffffffff"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_RLP};
        assert_int_equal(scb_rlp_append_number(&out, table[i].number, NULL), SCB_OK);
        assert_encoding(&out, table[i].expected);
    }
}

static void test_lengths_at_the_borders(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        const char *header;
    } table[] = {{0, "80"},     {2, "82"},       {55, "b7"},        {56, "b838"},
                 {255, "b8ff"}, {256, "b90100"}, {65535, "b9ffff"}, {65536, "ba010000"}};
    static uint8_t data[65536];
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_RLP};
        struct scb_bytes bytes = {data, table[i].size};
        assert_int_equal(scb_rlp_append_bytes(&out, bytes, NULL), SCB_OK);
        assert_int_equal(out.size, table[i].size + strlen(table[i].header) / 2);
        out.size -= table[i].size;
        assert_encoding(&out, table[i].header);
    }
}

static void test_what_does_not_fit_is_an_error(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 10};
    struct scb_error error = {0};
    static const uint8_t data[11];
    assert_int_equal(scb_rlp_append_bytes(&out, (struct scb_bytes){data, 11}, &error),
                     SCB_ERROR_RESOURCE);
}

/* Encodes a vector's value: a hex text, a number or a list. */
static void encode(const json_t *value, bool text_is_hex, struct scb_buffer *out)
{
    if (json_is_array(value)) {
        SCB_AUTO(buffer) struct scb_buffer items = {.max = MAX_RLP};
        for (size_t i = 0; i < json_array_size(value); i++)
            encode(json_array_get(value, i), text_is_hex, &items);
        assert_int_equal(scb_rlp_append_list(out, scb_buffer_bytes(&items), NULL), SCB_OK);
        return;
    }
    if (json_is_integer(value)) {
        assert_int_equal(scb_rlp_append_number(out, (scb_wei)json_integer_value(value), NULL),
                         SCB_OK);
        return;
    }
    const uint8_t *data = (const uint8_t *)json_string_value(value);
    size_t size = json_string_length(value);
    uint8_t *decoded = malloc(size + 1);
    assert_non_null(decoded);
    if (text_is_hex) {
        size = (size - 2) / 2;
        assert_true(scb_text_unhex((const char *)data + 2, size, decoded));
        data = decoded;
    }
    assert_int_equal(scb_rlp_append_bytes(out, (struct scb_bytes){data, size}, NULL), SCB_OK);
    free(decoded);
}

static void test_vectors_of_ethers(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethers/rlp.json.gz");
    if (vectors == NULL)
        skip();
    size_t index;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_RLP};
        encode(json_object_get(vector, "decoded"), true, &out);
        assert_encoding(&out, vectors_text(vector, "encoded") + 2);
    }
    assert_true(index > 50);
    json_decref(vectors);
}

static void test_vectors_of_ethereum(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethereum-tests/rlptest.json");
    if (vectors == NULL)
        skip();
    const char *name;
    json_t *vector;
    size_t tested = 0;
    json_object_foreach(vectors, name, vector)
    {
        const json_t *in = json_object_get(vector, "in");
        if (json_is_string(in) && json_string_value(in)[0] == '#')
            continue; /* a number of more than 64 bits, in decimal */
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX_RLP};
        encode(in, false, &out);
        assert_encoding(&out, vectors_text(vector, "out") + 2);
        tested++;
    }
    assert_true(tested > 20);
    json_decref(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_lengths_at_the_borders),
        cmocka_unit_test(test_what_does_not_fit_is_an_error),
        cmocka_unit_test(test_vectors_of_ethers),
        cmocka_unit_test(test_vectors_of_ethereum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
