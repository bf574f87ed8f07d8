/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON-RPC: requests; responses whole, byte by byte and cut everywhere; hex results of every kind
 * of digit and length; limits; what is no answer; quantities and data.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "evm/rpc.h"

enum { ID = 7, MAX = 1 << 20 };

static void rpc_response_cleanup(struct scb_rpc_response *response)
{
    scb_rpc_response_free(response);
}
#define AUTO_RESPONSE __attribute__((cleanup(rpc_response_cleanup))) struct scb_rpc_response

/* Feeds length bytes in pieces of at most size, each in memory of its own. */
static enum scb_status feed_bytes(struct scb_rpc_response *response, const char *text,
                                  size_t length, size_t size, struct scb_error *error)
{
    for (size_t at = 0; at < length; at += size) {
        size_t count = length - at < size ? length - at : size;
        char *piece = test_malloc(count);
        memcpy(piece, text + at, count);
        enum scb_status status = scb_rpc_response_feed(response, piece, count, error);
        test_free(piece);
        if (status != SCB_OK)
            return status;
    }
    return SCB_OK;
}

static enum scb_status feed_pieces(struct scb_rpc_response *response, const char *text, size_t size,
                                   struct scb_error *error)
{
    return feed_bytes(response, text, strlen(text), size, error);
}

/* Feeds, finishes and returns the outcome; a json result is dropped. */
static enum scb_rpc_outcome outcome_of(const char *text, bool hex, size_t piece,
                                       struct scb_error *error)
{
    AUTO_RESPONSE response = {.id = 0};
    struct scb_rpc_answer answer;
    scb_rpc_response_begin(&response, ID, hex, MAX);
    assert_int_equal(feed_pieces(&response, text, piece, error), SCB_OK);
    enum scb_status status = scb_rpc_response_finish(&response, 200, &answer, error);
    assert_int_equal(status, answer.outcome == SCB_RPC_OK ? SCB_OK : SCB_ERROR_CONTRACT);
    json_decref(answer.result);
    return answer.outcome;
}

static void test_request(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 1000};
    assert_int_equal(scb_rpc_request(&out, UINT64_MAX, "eth_call", "[{},\"latest\"]", NULL),
                     SCB_OK);
    assert_int_equal(scb_buffer_append(&out, "", 1, NULL), SCB_OK);
    assert_string_equal((char *)out.data,
                        "{\"jsonrpc\":\"2.0\",\"id\":18446744073709551615,\"method\":\"eth_call\","
                        "\"params\":[{},\"latest\"]}");
    out.max = 10;
    assert_int_equal(scb_rpc_request(&out, 1, "eth_call", "[]", NULL), SCB_ERROR_RESOURCE);
}

/* --- hex results --- */

static void assert_hex_result(const char *text, size_t piece, const char *expected)
{
    AUTO_RESPONSE response = {.id = 0};
    struct scb_error error = {0};
    struct scb_rpc_answer answer;
    scb_rpc_response_begin(&response, ID, true, MAX);
    if (feed_pieces(&response, text, piece, &error) != SCB_OK ||
        scb_rpc_response_finish(&response, 200, &answer, &error) != SCB_OK)
        fail_msg("%s: %s", text, error.message);
    assert_int_equal(answer.outcome, SCB_RPC_OK);
    assert_null(answer.result);
    assert_false(answer.result_is_null);
    size_t size = strlen(expected);
    assert_int_equal(response.result.size, size);
    if (size > 0)
        assert_memory_equal(response.result.data, expected, size);
}

static void test_hex_result_in_any_form(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } table[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x616263\"}", "abc"},
        {"{\"result\":\"0x616263\",\"id\":7,\"jsonrpc\":\"2.0\"}\n", "abc"},
        {"{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":\"0x\"}", ""},
        {" {\t\"id\" : 7 ,\r\n \"result\" \n:\t \"0x4a4B6a6B\" }", "JKjk"},
        {"{\"id\":7,\"error\":null,\"result\":\"0x61\"}", "a"},
        {"{\"x\":{\"result\":\"0x99\"},\"y\":[\"result\"],\"id\":7,\"result\":\"0x61\"}", "a"},
        {"{\"x\":\"\\\"result\\\":\\\"0x\",\"id\":7,\"result\":\"0x61\"}", "a"},
        {"{\"x\":\"result\",\"id\":7,\"result\":\"0x61\"}", "a"},
        {"{\"x\\\\\":\"}\",\"id\":7,\"result\":\"0x61\"}", "a"},
        {"{\"resul\":\"0x1\",\"results\":\"0x1\",\"aresult\":\"0x1\",\"id\":7,\"result\":\"0x61\"}",
         "a"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++)
        for (size_t piece = 1; piece <= strlen(table[i].text); piece++)
            assert_hex_result(table[i].text, piece, table[i].expected);
}

/* Every byte value, both cases, at every alignment of a piece's border. */
static void test_every_byte_value(void **state)
{
    (void)state;
    uint8_t bytes[256 * 3];
    char digits[2 * sizeof(bytes) + 1], text[sizeof(digits) + 64];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    scb_text_hex(bytes, sizeof(bytes), digits);
    for (size_t i = 0; i < sizeof(digits); i += 3)
        if (digits[i] >= 'a' && digits[i] <= 'f')
            digits[i] = (char)(digits[i] - 'a' + 'A');
    (void)snprintf(text, sizeof(text), "{\"id\":7,\"result\":\"0x%s\"}", digits);
    for (size_t piece = 1; piece < 600; piece++) {
        AUTO_RESPONSE response = {.id = 0};
        struct scb_rpc_answer answer;
        scb_rpc_response_begin(&response, ID, true, sizeof(bytes));
        assert_int_equal(feed_pieces(&response, text, piece, NULL), SCB_OK);
        assert_int_equal(scb_rpc_response_finish(&response, 200, &answer, NULL), SCB_OK);
        assert_int_equal(response.result.size, sizeof(bytes));
        assert_memory_equal(response.result.data, bytes, sizeof(bytes));
    }
}

static void assert_not_hex(const char *text, size_t length, size_t piece)
{
    AUTO_RESPONSE response = {.id = 0};
    struct scb_error error = {0};
    scb_rpc_response_begin(&response, ID, true, MAX);
    enum scb_status status = feed_bytes(&response, text, length, piece, &error);
    if (status != SCB_ERROR_VALIDATION)
        fail_msg("%s: in pieces of %zu: %s", text, piece, scb_status_name(status));
    assert_string_not_equal(error.hint, "");
    /* What has failed cannot be finished as if it were well. */
    struct scb_rpc_answer answer;
    assert_int_equal(scb_rpc_response_finish(&response, 200, &answer, NULL), SCB_ERROR_CONTRACT);
    assert_int_equal(answer.outcome, SCB_RPC_TROUBLE);
}

/* Every byte that is no digit, as each of a pair, near and far from the string's end. */
static void test_no_other_digits(void **state)
{
    (void)state;
    for (int byte = 0; byte < 256; byte++) {
        if (scb_text_hex_digit((char)byte) >= 0 || byte == '"')
            continue;
        for (size_t at = 0; at < 4; at++) {
            char text[400];
            size_t length = (size_t)snprintf(text, sizeof(text), "{\"id\":7,\"result\":\"0x%0*d\"}",
                                             at < 2 ? 4 : 300, 0);
            text[length - 2 - (at % 2 == 0 ? 2 : 1) - (at == 3 ? 280 : 0)] = (char)byte;
            assert_not_hex(text, length, length);
            assert_not_hex(text, length, 1);
        }
    }
}

/* NULs, each in a piece of its own, are no digits either. */
static void test_nul_digits(void **state)
{
    (void)state;
    static const char text[] = "{\"id\":7,\"result\":\"0x\0\0"
                               "61\"}";
    for (size_t piece = 1; piece < sizeof(text); piece++)
        assert_not_hex(text, sizeof(text) - 1, piece);
}

static void test_malformed_hex_strings(void **state)
{
    (void)state;
    static const char *const table[] = {
        "{\"id\":7,\"result\":\"\"}",      "{\"id\":7,\"result\":\"0\"}",
        "{\"id\":7,\"result\":\"0X61\"}",  "{\"id\":7,\"result\":\"61\"}",
        "{\"id\":7,\"result\":\"x61\"}",   "{\"id\":7,\"result\":\"0x6\"}",
        "{\"id\":7,\"result\":\"0x616\"}", "{\"id\":7,\"result\":\"0x\\u0061\"}",
        "{\"id\":7,\"result\":\"0x61 \"}", "{\"id\":7,\"result\":\"not found\"}",
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++)
        for (size_t piece = 1; piece <= strlen(table[i]); piece++)
            assert_not_hex(table[i], strlen(table[i]), piece);
}

static void test_result_limit(void **state)
{
    (void)state;
    static const char fits[] = "{\"id\":7,\"result\":\"0x6162636465\"}";
    static const char over[] = "{\"id\":7,\"result\":\"0x616263646566\"}";
    for (size_t piece = 1; piece <= sizeof(over); piece++) {
        AUTO_RESPONSE response = {.id = 0};
        struct scb_rpc_answer answer;
        struct scb_error error = {0};
        scb_rpc_response_begin(&response, ID, true, 5);
        assert_int_equal(feed_pieces(&response, fits, piece, NULL), SCB_OK);
        assert_int_equal(scb_rpc_response_finish(&response, 200, &answer, NULL), SCB_OK);
        assert_int_equal(response.result.size, 5);
        scb_rpc_response_begin(&response, ID, true, 5);
        assert_int_equal(feed_pieces(&response, over, piece, &error), SCB_ERROR_RESOURCE);
        assert_non_null(strstr(error.message, "5 bytes"));
        assert_non_null(strstr(error.hint, "page_size"));
    }
}

/* A response starts over with nothing of the one before, and in the same memory. */
static void test_reuse(void **state)
{
    (void)state;
    AUTO_RESPONSE response = {.id = 0};
    struct scb_rpc_answer answer;
    scb_rpc_response_begin(&response, ID, true, MAX);
    assert_int_equal(feed_pieces(&response, "{\"id\":7,\"result\":\"0x61626", 100, NULL), SCB_OK);
    const uint8_t *memory = response.result.data;
    scb_rpc_response_begin(&response, 8, true, MAX);
    assert_int_equal(feed_pieces(&response, "{\"id\":8,\"result\":\"0x63\"}", 100, NULL), SCB_OK);
    assert_int_equal(scb_rpc_response_finish(&response, 200, &answer, NULL), SCB_OK);
    assert_int_equal(response.result.size, 1);
    assert_int_equal(response.result.data[0], 'c');
    assert_ptr_equal(response.result.data, memory);
}

/* --- what is no answer --- */

static void test_trouble(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        "{",
        "<html>502</html>",
        "null",
        "[]",
        "[{\"id\":7,\"result\":\"0x61\"}]",
        "{}",
        "{\"id\":7}",
        "{\"result\":\"0x61\"}",
        "{\"id\":8,\"result\":\"0x61\"}",
        "{\"id\":\"7\",\"result\":\"0x61\"}",
        "{\"id\":7.0,\"result\":\"0x61\"}",
        "{\"id\":null,\"result\":\"0x61\"}",
        "{\"id\":7,\"id\":7,\"result\":\"0x61\"}",
        "{\"id\":7,\"result\":\"0x61\"}{}",
        "{\"id\":7,\"result\":\"0x61\"} x",
        "{\"id\":7,\"result\":\"0x61\"",
        "{\"id\":7,\"result\":\"0x6161",
        "{\"id\":7,\"result\":\"0x",
        "{\"id\":7,\"result\":\"",
        "{\"id\":7,\"result\":\"0x61\",\"result\":\"0x61\"}",
        "{\"id\":7,\"result\":\"0x61\",\"r\\u0065sult\":\"0x61\"}",
        "{\"id\":7,\"r\\u0065sult\":\"0x61\"}",
        "{\"id\":7,\"r\\u0065sult\":\"\"}",
        "{\"id\":7,\"result\":null}",
        "{\"id\":7,\"result\":{}}",
        "{\"id\":7,\"result\":[\"0x61\"]}",
        "{\"id\":7,\"result\":97}",
        "{\"id\":8,\"error\":{\"code\":3,\"message\":\"execution reverted: no\"}}",
        "{\"id\":7,\"x\":\"\xff\",\"result\":\"0x61\"}",
        "{\"id\":99999999999999999999,\"result\":\"0x61\"}",
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        for (size_t piece = 1; piece <= strlen(table[i]) + 1; piece++) {
            struct scb_error error = {0};
            if (outcome_of(table[i], true, piece, &error) != SCB_RPC_TROUBLE)
                fail_msg("%s: in pieces of %zu", table[i], piece);
            assert_true(error.retryable);
            assert_string_not_equal(error.message, "");
            assert_string_not_equal(error.hint, "");
        }
    }
}

/* Cut anywhere, an answer is trouble and never a shorter one. */
static void test_cut_anywhere(void **state)
{
    (void)state;
    char text[] = "{\"jsonrpc\":\"2.0\",\"result\":\"0x61626364\",\"id\":7}";
    for (size_t length = sizeof(text) - 2; length > 0; length--) {
        text[length] = '\0';
        assert_int_equal(outcome_of(text, true, 5, NULL), SCB_RPC_TROUBLE);
        assert_int_equal(outcome_of(text, false, 5, NULL), SCB_RPC_TROUBLE);
    }
}

/* A whole answer, but with blanks behind it beyond what is taken. */
static void test_envelope_limit(void **state)
{
    (void)state;
    enum { LIMIT = 4 << 20 };
    static const char answer_text[] = "{\"id\":7,\"result\":\"0x61\"}";
    char *blanks = test_malloc(LIMIT);
    memset(blanks, ' ', LIMIT);
    for (int hex = 0; hex < 2; hex++) {
        AUTO_RESPONSE response = {.id = 0};
        struct scb_error error = {0};
        scb_rpc_response_begin(&response, ID, hex != 0, MAX);
        assert_int_equal(feed_pieces(&response, answer_text, 99, &error), SCB_OK);
        size_t limit = hex != 0 ? 256 << 10 : LIMIT; /* little is expected around hex */
        size_t rest = limit - response.envelope.size;
        assert_int_equal(scb_rpc_response_feed(&response, blanks, rest, &error), SCB_OK);
        assert_int_equal(scb_rpc_response_feed(&response, " ", 1, &error), SCB_ERROR_CONTRACT);
        assert_true(error.retryable);
        struct scb_rpc_answer answer;
        assert_int_equal(scb_rpc_response_finish(&response, 200, &answer, NULL),
                         SCB_ERROR_CONTRACT);
        assert_int_equal(answer.outcome, SCB_RPC_TROUBLE);
        /* Even so the HTTP status counts. */
        assert_int_equal(scb_rpc_response_finish(&response, 429, &answer, NULL),
                         SCB_ERROR_CONTRACT);
        assert_int_equal(answer.outcome, SCB_RPC_THROTTLED);
    }
    test_free(blanks);
}

/* Arrays in arrays must not exhaust the stack. */
static void test_depth(void **state)
{
    (void)state;
    enum { DEPTH = 1 << 17 };
    char *text = test_malloc(DEPTH + 1);
    memset(text, '[', DEPTH);
    text[DEPTH] = '\0';
    assert_int_equal(outcome_of(text, true, DEPTH, NULL), SCB_RPC_TROUBLE);
    assert_int_equal(outcome_of(text, false, DEPTH, NULL), SCB_RPC_TROUBLE);
    test_free(text);
}

/* --- other results --- */

static void test_json_result(void **state)
{
    (void)state;
    static const char text[] =
        "{\"id\":7,\"result\":{\"number\":\"0x10\",\"hash\":\"0x0a0B\",\"list\":[1]}}";
    for (size_t piece = 1; piece <= sizeof(text); piece++) {
        AUTO_RESPONSE response = {.id = 0};
        struct scb_rpc_answer answer;
        scb_rpc_response_begin(&response, ID, false, 0);
        assert_int_equal(feed_pieces(&response, text, piece, NULL), SCB_OK);
        assert_int_equal(scb_rpc_response_finish(&response, 200, &answer, NULL), SCB_OK);
        assert_int_equal(answer.outcome, SCB_RPC_OK);
        uint64_t number = 0;
        uint8_t hash[2];
        assert_int_equal(
            scb_rpc_quantity(json_object_get(answer.result, "number"), "n", &number, NULL), SCB_OK);
        assert_int_equal(number, 16);
        assert_int_equal(
            scb_rpc_data(json_object_get(answer.result, "hash"), "h", hash, sizeof(hash), NULL),
            SCB_OK);
        assert_memory_equal(hash, "\x0a\x0b", 2);
        json_decref(answer.result);
    }
}

static void test_null_and_text_results(void **state)
{
    (void)state;
    AUTO_RESPONSE response = {.id = 0};
    struct scb_rpc_answer answer;
    scb_rpc_response_begin(&response, ID, false, 0);
    assert_int_equal(feed_pieces(&response, "{\"id\":7,\"result\":null}", 99, NULL), SCB_OK);
    assert_int_equal(scb_rpc_response_finish(&response, 200, &answer, NULL), SCB_OK);
    assert_true(answer.result_is_null);
    assert_null(answer.result);
    scb_rpc_response_begin(&response, ID, false, 0);
    assert_int_equal(feed_pieces(&response, "{\"id\":7,\"result\":\"0x1\"}", 99, NULL), SCB_OK);
    assert_int_equal(scb_rpc_response_finish(&response, 200, &answer, NULL), SCB_OK);
    assert_string_equal(json_string_value(answer.result), "0x1");
    json_decref(answer.result);
}

static void test_quantities(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool right;
        uint64_t value;
    } table[] = {
        {"0x0", true, 0},
        {"0x1a", true, 26},
        {"0xffffffffffffffff", true, UINT64_MAX},
        {"0x00ffFF", true, 65535},
        {"0x10000000000000000", false, 0},
        {"0x", false, 0},
        {"", false, 0},
        {"1", false, 0},
        {"0X1", false, 0},
        {"0x1g", false, 0},
        {"0x 1", false, 0},
        {"-0x1", false, 0},
        {"0x-1", false, 0},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        json_t *value = json_string(table[i].text);
        uint64_t number = 5;
        struct scb_error error = {0};
        enum scb_status status = scb_rpc_quantity(value, "eth_blockNumber", &number, &error);
        json_decref(value);
        assert_int_equal(status, table[i].right ? SCB_OK : SCB_ERROR_CONTRACT);
        assert_true(number == (table[i].right ? table[i].value : 5));
        assert_true(table[i].right || strstr(error.message, "eth_blockNumber") != NULL);
    }
    uint64_t number = 5;
    json_t *integer = json_integer(5);
    assert_int_equal(scb_rpc_quantity(integer, "n", &number, NULL), SCB_ERROR_CONTRACT);
    assert_int_equal(scb_rpc_quantity(NULL, "n", &number, NULL), SCB_ERROR_CONTRACT);
    json_decref(integer);
}

static void test_data(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "0x", "0102", "0x01", "0x010", "0x010203", "0x010g"};
    uint8_t data[2] = {9, 9};
    for (size_t i = 0; i < SCB_LENGTH(wrong); i++) {
        json_t *value = json_string(wrong[i]);
        struct scb_error error = {0};
        assert_int_equal(scb_rpc_data(value, "hash", data, 2, &error), SCB_ERROR_CONTRACT);
        json_decref(value);
        assert_non_null(strstr(error.message, "hash"));
        assert_int_equal(data[0], 9);
    }
    assert_int_equal(scb_rpc_data(NULL, "hash", data, 2, NULL), SCB_ERROR_CONTRACT);
    json_t *value = json_string("0xfE01");
    assert_int_equal(scb_rpc_data(value, "hash", data, 2, NULL), SCB_OK);
    assert_memory_equal(data, "\xfe\x01", 2);
    json_decref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),          cmocka_unit_test(test_hex_result_in_any_form),
        cmocka_unit_test(test_every_byte_value), cmocka_unit_test(test_no_other_digits),
        cmocka_unit_test(test_nul_digits),       cmocka_unit_test(test_malformed_hex_strings),
        cmocka_unit_test(test_result_limit),     cmocka_unit_test(test_reuse),
        cmocka_unit_test(test_trouble),          cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_envelope_limit),   cmocka_unit_test(test_depth),
        cmocka_unit_test(test_json_result),      cmocka_unit_test(test_null_and_text_results),
        cmocka_unit_test(test_quantities),       cmocka_unit_test(test_data),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
