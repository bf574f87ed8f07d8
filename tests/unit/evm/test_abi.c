/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ABI: selectors, calls, numbers; pages as an encoder of the test's own makes them, which is
 * held against published encodings; hostile pages: every word changed, cut at every byte, lengths
 * and offsets that lie; revert reasons.
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
#include "evm/abi.h"

/* --- an encoder --- */

struct strings {
    struct scb_bytes items[300];
    size_t count;
};

static void put_word(struct scb_buffer *out, uint64_t value)
{
    uint8_t word[SCB_ABI_WORD] = {0};
    for (size_t i = 0; i < 8; i++)
        word[31 - i] = (uint8_t)(value >> (8 * i));
    assert_int_equal(scb_buffer_append(out, word, sizeof(word), NULL), SCB_OK);
}

static size_t padded(size_t size)
{
    return (size + SCB_ABI_WORD - 1) / SCB_ABI_WORD * SCB_ABI_WORD;
}

/* The offsets and strings of a string[], without its length. */
static void put_elements(struct scb_buffer *out, const struct strings *strings)
{
    static const uint8_t zeros[SCB_ABI_WORD];
    size_t offset = strings->count * SCB_ABI_WORD;
    for (size_t i = 0; i < strings->count; i++) {
        put_word(out, offset);
        offset += SCB_ABI_WORD + padded(strings->items[i].size);
    }
    for (size_t i = 0; i < strings->count; i++) {
        size_t size = strings->items[i].size;
        put_word(out, size);
        assert_int_equal(scb_buffer_append(out, strings->items[i].data, size, NULL), SCB_OK);
        assert_int_equal(scb_buffer_append(out, zeros, padded(size) - size, NULL), SCB_OK);
    }
}

static size_t encoded_size(const struct strings *strings)
{
    size_t size = SCB_ABI_WORD;
    for (size_t i = 0; i < strings->count; i++)
        size += 2 * SCB_ABI_WORD + padded(strings->items[i].size);
    return size;
}

static void put_page(struct scb_buffer *out, const struct strings *keys,
                     const struct strings *values, const struct strings *versions)
{
    size_t offset = 3 * SCB_ABI_WORD;
    put_word(out, offset);
    put_word(out, offset += encoded_size(keys));
    put_word(out, offset + encoded_size(values));
    const struct strings *const arrays[] = {keys, values, versions};
    for (size_t i = 0; i < SCB_LENGTH(arrays); i++) {
        put_word(out, arrays[i]->count);
        put_elements(out, arrays[i]);
    }
}

static void add(struct strings *strings, const char *data, size_t size)
{
    strings->items[strings->count++] = (struct scb_bytes){(const uint8_t *)data, size};
}

/* A page of two entries: words 3 to 9 are the keys, 10 to 16 the values, 17 to 23 the versions;
 * each is a length, two offsets, and twice a string's length and the word that holds it. */
static void put_small_page(struct scb_buffer *out)
{
    struct strings keys = {0}, values = {0}, versions = {0};
    add(&keys, "alpha", 5);
    add(&keys, "beta", 4);
    add(&values, "one", 3);
    add(&values, "two", 3);
    add(&versions, "v1", 2);
    add(&versions, "v2", 2);
    put_page(out, &keys, &values, &versions);
    assert_int_equal(out->size, 24 * SCB_ABI_WORD);
}

static void assert_bytes(struct scb_bytes actual, struct scb_bytes expected)
{
    assert_int_equal(actual.size, expected.size);
    if (expected.size > 0)
        assert_memory_equal(actual.data, expected.data, expected.size);
}

static bool is_inside(struct scb_bytes part, struct scb_bytes whole)
{
    return part.data >= whole.data && part.size <= whole.size &&
           (size_t)(part.data - whole.data) <= whole.size - part.size;
}

/* Reads all of a page; every entry must lie inside of data. */
static enum scb_status read_page(struct scb_bytes data, uint64_t max_count, struct scb_error *error)
{
    struct scb_abi_page page;
    enum scb_status status = scb_abi_page_open(data, max_count, &page, error);
    if (status != SCB_OK)
        return status;
    assert_true(page.count <= max_count);
    for (uint64_t i = 0; i < page.count; i++) {
        struct scb_entry entry;
        status = scb_abi_page_next(&page, &entry, error);
        if (status != SCB_OK)
            return status;
        assert_true(is_inside(entry.key, data));
        assert_true(is_inside(entry.value, data));
        assert_true(is_inside(entry.version_id, data));
    }
    return SCB_OK;
}

/* --- selectors, calls, numbers --- */

static void test_selectors(void **state)
{
    (void)state;
    static const struct {
        const char *signature;
        uint8_t selector[4];
    } table[] = {
        {"getTotalKeys()", {0xb8, 0x04, 0x6b, 0x1c}},
        {"getPaginatedKeyValues(uint256,uint256)", {0x1f, 0xb5, 0x7c, 0xbc}},
        {"transfer(address,uint256)", {0xa9, 0x05, 0x9c, 0xbb}},
        {"createKeyValue(string,string,string)", {0x97, 0x80, 0x71, 0x3b}},
        {"f(bytes32,int8,bool,bytes)", {0x50, 0x3e, 0xc0, 0x58}},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        uint8_t selector[4];
        if (scb_abi_selector(table[i].signature, selector, &error) != SCB_OK)
            fail_msg("%s: %s", table[i].signature, error.message);
        assert_memory_equal(selector, table[i].selector, 4);
    }
}

static void test_refused_signatures(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        "f",
        "()",
        "1f()",
        "f(",
        "f)",
        "f()x",
        "f() ",
        " f()",
        "f( )",
        "f(uint256",
        "f(uint256,)",
        "f(,uint256)",
        "f(uint256 )",
        "f(uint256, uint256)",
        "f(uint)",
        "f(int)",
        "f(uint7)",
        "f(uint264)",
        "f(uint08)",
        "f(uint0)",
        "f(bytes0)",
        "f(bytes33)",
        "f(uint256[])",
        "f((uint256))",
        "f(uint256))",
        "f(strin)",
        "f(strings)",
        "f-g()",
        "f(uint99999999999)",
        "f\n()",
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        uint8_t selector[4] = {9};
        if (scb_abi_selector(table[i], selector, &error) != SCB_ERROR_VALIDATION)
            fail_msg("\"%s\" was accepted", table[i]);
        assert_int_equal(selector[0], 9);
        assert_null(strchr(error.message, '\n'));
        assert_string_not_equal(error.hint, "");
        assert_int_equal(scb_abi_selector(table[i], selector, NULL), SCB_ERROR_VALIDATION);
    }
}

static void test_calls(void **state)
{
    (void)state;
    static const uint8_t selector[4] = {1, 2, 3, 4};
    uint8_t data[4 + 2 * SCB_ABI_WORD];
    char text[2 * sizeof(data) + 1];
    memset(data, 0xee, sizeof(data));
    scb_abi_encode_call(selector, (const uint64_t[]){0x0102030405060708, UINT64_MAX}, 2, data);
    scb_text_hex(data, sizeof(data), text);
    assert_string_equal(text, "01020304"
                              "0000000000000000000000000000000000000000000000000102030405060708"
                              "000000000000000000000000000000000000000000000000ffffffffffffffff");
    memset(data, 0xee, sizeof(data));
    scb_abi_encode_call(selector, NULL, 0, data);
    assert_int_equal(data[3], 4);
    assert_int_equal(data[4], 0xee);
}

/* As viem encodes createKeyValue("", 33 bytes, "v1.0") and ("key", 32 bytes, ""). */
static void test_calls_with_strings(void **state)
{
    (void)state;
#define ZEROS "00000000000000000000000000000000000000000000000000000000"
    static const struct {
        const char *strings[3];
        const char *expected;
    } table[] = {
        {{"", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", "v1.0"},
         "9780713b" ZEROS "00000060" ZEROS "00000080" ZEROS "000000e0" ZEROS "00000000" ZEROS
         "00000021"
         "7979797979797979797979797979797979797979797979797979797979797979"
         "79000000" ZEROS ZEROS "00000004"
         "76312e30" ZEROS},
        {{"key", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ""},
         "9780713b" ZEROS "00000060" ZEROS "000000a0" ZEROS "000000e0" ZEROS "00000003"
         "6b657900" ZEROS ZEROS "00000020"
         "7878787878787878787878787878787878787878787878787878787878787878" ZEROS "00000000"},
    };
#undef ZEROS
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = 1024};
        struct scb_bytes strings[3];
        uint8_t selector[4];
        char digits[1024];
        for (size_t j = 0; j < 3; j++)
            strings[j] = (struct scb_bytes){(const uint8_t *)table[i].strings[j],
                                            strlen(table[i].strings[j])};
        assert_int_equal(scb_abi_selector("createKeyValue(string,string,string)", selector, NULL),
                         SCB_OK);
        assert_int_equal(scb_abi_encode_strings(&out, selector, strings, 3, NULL), SCB_OK);
        assert_true(2 * out.size < sizeof(digits));
        scb_text_hex(out.data, out.size, digits);
        assert_string_equal(digits, table[i].expected);
    }
}

static void test_numbers(void **state)
{
    (void)state;
    uint8_t word[SCB_ABI_WORD + 1] = {0};
    uint64_t value = 5;
    memset(word + 24, 0xff, 8);
    assert_int_equal(scb_abi_decode_u64((struct scb_bytes){word, 32}, "f()", &value, NULL), SCB_OK);
    assert_true(value == UINT64_MAX);

    static const struct {
        size_t size, nonzero;
        const char *because;
    } table[] = {
        {0, 32, "f() returned nothing"}, {31, 32, "31 bytes"},     {33, 32, "33 bytes"},
        {32, 0, "over 64 bits"},         {32, 23, "over 64 bits"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        memset(word, 0, sizeof(word));
        word[table[i].nonzero] = 1;
        value = 5;
        struct scb_bytes data = {word, table[i].size};
        assert_int_equal(scb_abi_decode_u64(data, "f()", &value, &error), SCB_ERROR_VALIDATION);
        assert_non_null(strstr(error.message, table[i].because));
        assert_true(value == 5);
    }
}

/* --- pages --- */

static void test_page_round_trip(void **state)
{
    (void)state;
    static char binary[256], long_value[1000];
    for (size_t i = 0; i < sizeof(binary); i++)
        binary[i] = (char)i;
    memset(long_value, 'x', sizeof(long_value));
    struct strings keys = {0}, values = {0}, versions = {0};
    add(&keys, "", 0);
    add(&keys, binary, sizeof(binary));
    add(&keys, long_value, 31);
    add(&values, long_value, sizeof(long_value));
    add(&values, long_value, 32);
    add(&values, "", 0);
    add(&versions, long_value, 33);
    add(&versions, "", 0);
    add(&versions, binary, 64);
    SCB_AUTO(buffer) struct scb_buffer out = {.max = SIZE_MAX};
    put_page(&out, &keys, &values, &versions);

    uint64_t count = 0;
    assert_int_equal(scb_abi_page_check(scb_buffer_bytes(&out), 3, &count, NULL), SCB_OK);
    assert_int_equal(count, 3);
    struct scb_abi_page page;
    assert_int_equal(scb_abi_page_open(scb_buffer_bytes(&out), 3, &page, NULL), SCB_OK);
    assert_int_equal(page.count, 3);
    for (size_t i = 0; i < 3; i++) {
        struct scb_entry entry;
        assert_int_equal(scb_abi_page_next(&page, &entry, NULL), SCB_OK);
        assert_bytes(entry.key, keys.items[i]);
        assert_bytes(entry.value, values.items[i]);
        assert_bytes(entry.version_id, versions.items[i]);
    }
}

static void test_empty_page(void **state)
{
    (void)state;
    const struct strings none = {.count = 0};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = SIZE_MAX};
    put_page(&out, &none, &none, &none);
    uint64_t count = 7;
    assert_int_equal(scb_abi_page_check(scb_buffer_bytes(&out), 0, &count, NULL), SCB_OK);
    assert_int_equal(count, 0);
    assert_int_equal(read_page(scb_buffer_bytes(&out), 0, NULL), SCB_OK);
}

static void test_value_of_3_mb(void **state)
{
    (void)state;
    enum { LARGE = 3000000 };
    char *large = test_malloc(LARGE);
    memset(large, 'L', LARGE);
    struct strings keys = {0}, values = {0};
    add(&keys, "k", 1);
    add(&values, large, LARGE);
    SCB_AUTO(buffer) struct scb_buffer out = {.max = SIZE_MAX};
    put_page(&out, &keys, &values, &keys);
    struct scb_abi_page page;
    struct scb_entry entry;
    assert_int_equal(scb_abi_page_open(scb_buffer_bytes(&out), 1, &page, NULL), SCB_OK);
    assert_int_equal(scb_abi_page_next(&page, &entry, NULL), SCB_OK);
    assert_bytes(entry.value, values.items[0]);
    test_free(large);
}

/* --- published encodings --- */

/* The texts of an array of strings in a vector's "verbose" form; false for anything else. */
static bool collect_strings(const json_t *node, struct strings *strings)
{
    const json_t *items = json_object_get(node, "value");
    if (strcmp(vectors_text(node, "type"), "array") != 0 || json_array_size(items) == 0)
        return false;
    size_t index;
    json_t *item;
    json_array_foreach(items, index, item)
    {
        if (strcmp(vectors_text(item, "type"), "string") != 0)
            return false;
        const json_t *text = json_object_get(item, "value");
        assert_true(strings->count < SCB_LENGTH(strings->items));
        add(strings, json_string_value(text), json_string_length(text));
    }
    return true;
}

/* Finds the array's bytes in the published encoding and reads them as the keys of a page. */
static void check_published_array(const struct strings *strings, const struct scb_buffer *encoded)
{
    SCB_AUTO(buffer) struct scb_buffer elements = {.max = SIZE_MAX}, out = {.max = SIZE_MAX};
    put_elements(&elements, strings);
    const uint8_t *found = memmem(encoded->data, encoded->size, elements.data, elements.size);
    assert_non_null(found);
    size_t array = SCB_ABI_WORD + elements.size;
    for (size_t i = 0; i < 3; i++)
        put_word(&out, 3 * SCB_ABI_WORD + i * array);
    for (size_t i = 0; i < 3; i++) {
        put_word(&out, strings->count);
        assert_int_equal(scb_buffer_append(&out, found, elements.size, NULL), SCB_OK);
    }
    struct scb_abi_page page;
    assert_int_equal(scb_abi_page_open(scb_buffer_bytes(&out), 300, &page, NULL), SCB_OK);
    assert_int_equal(page.count, strings->count);
    for (size_t i = 0; i < strings->count; i++) {
        struct scb_entry entry;
        assert_int_equal(scb_abi_page_next(&page, &entry, NULL), SCB_OK);
        assert_bytes(entry.key, strings->items[i]);
        assert_bytes(entry.value, strings->items[i]);
        assert_bytes(entry.version_id, strings->items[i]);
    }
}

static size_t check_published_node(const json_t *node, const struct scb_buffer *encoded)
{
    struct strings strings = {0};
    if (collect_strings(node, &strings)) {
        check_published_array(&strings, encoded);
        return 1;
    }
    size_t checked = 0, index;
    json_t *item;
    json_array_foreach(json_object_get(node, "value"), index, item) checked +=
        check_published_node(item, encoded);
    return checked;
}

static void load_encoding(const json_t *vector, struct scb_buffer *out)
{
    const char *digits = vectors_text(vector, "encoded") + 2;
    out->size = strlen(digits) / 2;
    assert_int_equal(scb_buffer_reserve(out, 1, NULL), SCB_OK);
    assert_true(scb_text_unhex(digits, out->size, out->data));
}

static void test_published_string_arrays(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethers/abi.json.gz");
    if (vectors == NULL)
        skip();
    size_t index, checked = 0;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        if (strstr(vectors_text(vector, "type"), "string[") == NULL)
            continue;
        SCB_AUTO(buffer) struct scb_buffer encoded = {.max = SIZE_MAX};
        load_encoding(vector, &encoded);
        checked += check_published_node(json_object_get(vector, "verbose"), &encoded);
    }
    assert_int_equal(checked, 266);
    json_decref(vectors);
}

/* string[][3] is encoded as an offset and then exactly what a page call returns. */
static void test_published_three_arrays(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethers/abi.json.gz");
    if (vectors == NULL)
        skip();
    size_t index, checked = 0;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        if (strcmp(vectors_text(vector, "type"), "string[][3]") != 0)
            continue;
        SCB_AUTO(buffer) struct scb_buffer encoded = {.max = SIZE_MAX};
        load_encoding(vector, &encoded);
        struct scb_bytes data = {encoded.data + SCB_ABI_WORD, encoded.size - SCB_ABI_WORD};
        /* Its arrays differ in length, which a page must not. */
        struct scb_error error = {0};
        assert_int_equal(read_page(data, 300, &error), SCB_ERROR_VALIDATION);
        assert_non_null(strstr(error.message, "equally long"));
        checked++;
    }
    assert_int_equal(checked, 1);
    json_decref(vectors);
}

/* --- hostile pages --- */

static void test_lying_words(void **state)
{
    (void)state;
    /* Of the small page: which word is set to what (high: the top byte of the word). */
    static const struct {
        size_t word;
        uint64_t value;
        uint8_t high;
        const char *because;
    } table[] = {
        {0, 0, 0, "keys: offset 0 is outside"},
        {0, 64, 0, "keys: offset 64 is outside"},
        {0, 768, 0, "keys: offset 768 is outside of the 768 bytes"},
        {0, 737, 0, "keys: offset 737 is outside"},
        {1, UINT64_MAX, 0, "values: offset 9223372036854775807 is outside"},
        {2, 96, 1, "versionIds: offset 9223372036854775807 is outside"},
        {2, INT64_MAX, 0, "versionIds: offset"},
        {0, 736, 0, "keys: 9223372036854775807 entries"}, /* "v2" as a count */
        {3, 3, 0, "keys: 3 entries where at most 2 were asked for"},
        {3, 1, 0, "1 keys, 2 values and 2 versionIds"},
        {10, 1, 0, "2 keys, 1 values and 2 versionIds"},
        {17, 0, 0, "2 keys, 2 values and 0 versionIds"},
        {10, 2, 0x80, "values: 9223372036854775807 entries"},
        {4, 0, 0, "keys[0]: byte 128 is before"},
        {4, 32, 0, "keys[0]: byte 160 is before"},
        {4, 1000, 0, "keys[0]: offset 1000 is outside"},
        {4, UINT64_MAX, 0, "keys[0]: offset"},
        {4, 64, 1, "keys[0]: offset"},
        {5, 64, 0, "keys[1]: byte 192 is before the end"},
        {5, 96, 0, "keys[1]: byte 224 is before the end"},
        {12, 0, 0, "values[1]: byte 352 is before the end"},
        {6, 1000, 0, "keys[0]: 1000 bytes do not fit"},
        {6, UINT64_MAX - 31, 0, "keys[0]: 9223372036854775807 bytes"},
        {6, 5, 1, "keys[0]: 9223372036854775807 bytes"},
        {22, 33, 0, "versionIds[1]: 33 bytes do not fit after byte 736 of 768"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = SIZE_MAX};
        put_small_page(&out);
        uint8_t *word = out.data + table[i].word * SCB_ABI_WORD;
        memset(word, 0, SCB_ABI_WORD);
        word[0] = table[i].high;
        for (size_t byte = 0; byte < 8; byte++)
            word[31 - byte] = (uint8_t)(table[i].value >> (8 * byte));
        struct scb_error error = {0};
        assert_int_equal(read_page(scb_buffer_bytes(&out), 2, &error), SCB_ERROR_VALIDATION);
        if (strstr(error.message, table[i].because) == NULL)
            fail_msg("row %zu: \"%s\", not \"%s\"", i, error.message, table[i].because);
        assert_string_not_equal(error.hint, "");
        assert_int_equal(read_page(scb_buffer_bytes(&out), 2, NULL), SCB_ERROR_VALIDATION);
    }
}

/* A count that would fit a huge max_count but not the data. */
static void test_count_over_data(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = SIZE_MAX};
    put_small_page(&out);
    out.data[3 * SCB_ABI_WORD + 31] = 21;
    struct scb_error error = {0};
    uint64_t count = 7;
    assert_int_equal(scb_abi_page_check(scb_buffer_bytes(&out), UINT64_MAX, &count, &error),
                     SCB_ERROR_VALIDATION);
    assert_non_null(strstr(error.message, "21 entries do not fit into the 768 bytes"));
    assert_int_equal(count, 7);
    out.data[3 * SCB_ABI_WORD + 31] = 20; /* just fits */
    assert_int_equal(scb_abi_page_check(scb_buffer_bytes(&out), UINT64_MAX, &count, &error),
                     SCB_ERROR_VALIDATION);
    assert_non_null(strstr(error.message, "20 keys, "));
}

/* Where arrays share their bytes: that is at most three times the data, and so not refused. */
static void test_shared_arrays(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = SIZE_MAX};
    put_small_page(&out);
    memcpy(out.data + SCB_ABI_WORD, out.data, SCB_ABI_WORD);
    assert_int_equal(read_page(scb_buffer_bytes(&out), 2, NULL), SCB_OK);
}

/* Cut anywhere, a page is refused, but for the padding behind its last string. Every cut is a block
 * of memory of its own, so that the sanitizers see a read past it. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = SIZE_MAX};
    put_small_page(&out);
    size_t needed = out.size - SCB_ABI_WORD + 2;
    for (size_t size = 0; size <= out.size; size++) {
        uint8_t *copy = malloc(size + (size == 0));
        assert_non_null(copy);
        memcpy(copy, out.data, size);
        enum scb_status status = read_page((struct scb_bytes){copy, size}, 2, NULL);
        free(copy);
        assert_int_equal(status, size < needed ? SCB_ERROR_VALIDATION : SCB_OK);
    }
}

/* Whatever a byte is changed to: an error or entries inside of the data. */
static void test_any_byte_changed(void **state)
{
    (void)state;
    static const uint8_t changes[] = {0x01, 0x20, 0x80, 0xff};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = SIZE_MAX};
    put_small_page(&out);
    for (size_t i = 0; i < out.size; i++) {
        for (size_t change = 0; change < sizeof(changes); change++) {
            out.data[i] ^= changes[change];
            enum scb_status status = read_page(scb_buffer_bytes(&out), 100, NULL);
            assert_true(status == SCB_OK || status == SCB_ERROR_VALIDATION);
            out.data[i] ^= changes[change];
        }
    }
}

/* --- revert reasons --- */

static void assert_reason(const char *digits, const char *expected)
{
    uint8_t data[256];
    char text[64];
    size_t size = strlen(digits) / 2;
    assert_true(size <= sizeof(data) && scb_text_unhex(digits, size, data));
    scb_abi_revert_reason((struct scb_bytes){data, size}, text, sizeof(text));
    assert_string_equal(text, expected);
}

#define WORD "00000000000000000000000000000000000000000000000000000000000000"

static void test_revert_reasons(void **state)
{
    (void)state;
    assert_reason("", "");
    assert_reason("08c379", "3 bytes");
    assert_reason("08c379a0" WORD "20" WORD "02"
                  "6869000000000000000000000000000000000000000000000000000000000000",
                  "hi");
    assert_reason("08c379a0" WORD "20" WORD "03"
                  "610a1b0000000000000000000000000000000000000000000000000000000000",
                  "a\\x0a\\x1b");
    assert_reason("08c379a0" WORD "20" WORD "00", "");
    assert_reason("08c379a0" WORD "20" WORD "21", "custom error 0x08c379a0");
    assert_reason("08c379a0" WORD "40" WORD "01", "custom error 0x08c379a0");
    assert_reason("08c379a0", "custom error 0x08c379a0");
    assert_reason("4e487b71" WORD "11", "panic 0x11 (arithmetic overflow)");
    assert_reason("4e487b71" WORD "77", "panic 0x77 (unknown)");
    assert_reason("4e487b71" WORD, "custom error 0x4e487b71");
    assert_reason("deadbeef" WORD "11", "custom error 0xdeadbeef");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_selectors),
        cmocka_unit_test(test_refused_signatures),
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_calls_with_strings),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_page_round_trip),
        cmocka_unit_test(test_empty_page),
        cmocka_unit_test(test_value_of_3_mb),
        cmocka_unit_test(test_published_string_arrays),
        cmocka_unit_test(test_published_three_arrays),
        cmocka_unit_test(test_lying_words),
        cmocka_unit_test(test_count_over_data),
        cmocka_unit_test(test_shared_arrays),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_any_byte_changed),
        cmocka_unit_test(test_revert_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
