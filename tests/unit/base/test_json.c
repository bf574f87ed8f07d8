/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/json: exact output, escapes, malformed text, the sticky error. jansson reads it back.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

static void assert_text(const struct scb_buffer *buffer, const char *text)
{
    if (buffer->size != strlen(text) ||
        (buffer->size > 0 && memcmp(buffer->data, text, buffer->size) != 0))
        fail_msg("%.*s is not %s", (int)buffer->size, (const char *)buffer->data, text);
}

static void a_document_of_every_kind(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 4096};
    struct scb_json json;
    scb_json_begin(&json, &out);
    scb_json_open_object(&json, NULL);
    scb_json_text(&json, "text", "a \"b\"");
    scb_json_text(&json, "none", NULL);
    scb_json_bytes(&json, "bytes", (struct scb_bytes){(const uint8_t *)"a\0b", 3});
    scb_json_integer(&json, "least", INT64_MIN);
    scb_json_unsigned(&json, "most", UINT64_MAX);
    scb_json_boolean(&json, "yes", true);
    scb_json_boolean(&json, "no", false);
    scb_json_null(&json, "null");
    scb_json_count(&json, "none of", 0);
    scb_json_count(&json, "unknown", -1);
    scb_json_time(&json, "at", 1705307400123);
    scb_json_time(&json, "at no time", 0);
    scb_json_time(&json, "never", -1);
    scb_json_open_array(&json, "empty");
    scb_json_close_array(&json);
    scb_json_open_array(&json, "array \n");
    scb_json_integer(&json, NULL, 1);
    scb_json_open_object(&json, NULL);
    scb_json_close_object(&json);
    scb_json_open_object(&json, NULL);
    scb_json_integer(&json, "a", -1);
    scb_json_close_object(&json);
    scb_json_text(&json, NULL, "");
    scb_json_close_array(&json);
    scb_json_close_object(&json);
    assert_int_equal(scb_json_finish(&json, NULL), SCB_OK);
    assert_text(&out, "{\"text\":\"a \\\"b\\\"\",\"none\":null,\"bytes\":\"a\\u0000b\","
                      "\"least\":-9223372036854775808,\"most\":18446744073709551615,"
                      "\"yes\":true,\"no\":false,"
                      "\"null\":null,\"none of\":0,\"unknown\":null,"
                      "\"at\":\"2024-01-15T08:30:00.123Z\",\"at no time\":null,\"never\":null,"
                      "\"empty\":[],\"array \\n\":[1,{},{\"a\":-1},\"\"]}");
}

static void escapes_are_those_of_the_page_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size;
        const char *escaped;
    } table[] = {{"", 0, ""},
                 {"plain/text", 10, "plain/text"},
                 {"\"\\", 2, "\\\"\\\\"},
                 {"\b\f\n\r\t", 5, "\\b\\f\\n\\r\\t"},
                 {"\0\x01\x0b\x0e\x1f", 5, "\\u0000\\u0001\\u000b\\u000e\\u001f"},
                 {"\x7f\xc3\xa9 ", 4, "\x7f\xc3\xa9 "},
                 {"a\nb", 3, "a\\nb"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = 64};
        struct scb_bytes text = {(const uint8_t *)table[i].text, table[i].size};
        assert_int_equal(scb_json_append_escaped(&out, text, NULL), SCB_OK);
        assert_text(&out, table[i].escaped);
    }
}

static void every_byte_comes_back(void **state)
{
    (void)state;
    uint8_t all[128];
    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (uint8_t)i;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 4096};
    struct scb_json json;
    scb_json_begin(&json, &out);
    scb_json_bytes(&json, NULL, (struct scb_bytes){all, sizeof(all)});
    assert_int_equal(scb_json_finish(&json, NULL), SCB_OK);
    json_error_t error;
    json_t *read = json_loadb((const char *)out.data, out.size,
                              JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    assert_non_null(read);
    assert_int_equal(json_string_length(read), sizeof(all));
    assert_memory_equal(json_string_value(read), all, sizeof(all));
    json_decref(read);
}

#define REPLACED "\xef\xbf\xbd"

static void only_malformed_bytes_are_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *written;
    } table[] = {{"\xff", "\"" REPLACED "\""},
                 {"\xf0\x9f\x98\x80\xff", "\"\xf0\x9f\x98\x80" REPLACED "\""},
                 {"\xc3\xa9\xff\xc3\xa9\n", "\"\xc3\xa9" REPLACED "\xc3\xa9\\n\""},
                 {"cut \xf0\x9f\x98", "\"cut " REPLACED REPLACED REPLACED "\""},
                 {"\xc0\x80", "\"" REPLACED REPLACED "\""},
                 {"\xed\xa0\x80\"", "\"" REPLACED REPLACED REPLACED "\\\"\""}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = 64};
        struct scb_json json;
        scb_json_begin(&json, &out);
        scb_json_text(&json, NULL, table[i].text);
        assert_int_equal(scb_json_finish(&json, NULL), SCB_OK);
        assert_text(&out, table[i].written);
    }
}

static void write_all(struct scb_json *json)
{
    scb_json_open_object(json, NULL);
    scb_json_text(json, "malformed", "a\xff\n");
    scb_json_open_array(json, "numbers");
    scb_json_integer(json, NULL, -1);
    scb_json_unsigned(json, NULL, 2);
    scb_json_boolean(json, NULL, true);
    scb_json_close_array(json);
    scb_json_null(json, "null");
    scb_json_close_object(json);
}

/* Whatever call is the first that does not fit. */
static void the_first_error_is_reported_at_the_end(void **state)
{
    (void)state;
    static const char whole[] = "{\"malformed\":\"a" REPLACED "\\n\",\"numbers\":[-1,2,true],"
                                "\"null\":null}";
    for (size_t max = 0; max < sizeof(whole) - 1; max++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = max};
        struct scb_error error = {0};
        struct scb_json json;
        scb_json_begin(&json, &out);
        write_all(&json);
        assert_int_equal(scb_json_finish(&json, &error), SCB_ERROR_RESOURCE);
        assert_int_equal(error.status, SCB_ERROR_RESOURCE);
        assert_true(out.size <= max && (max == 0 || memcmp(out.data, whole, out.size) == 0));
    }
    SCB_AUTO(buffer) struct scb_buffer out = {.max = sizeof(whole) - 1};
    struct scb_json json;
    scb_json_begin(&json, &out);
    write_all(&json);
    assert_int_equal(scb_json_finish(&json, NULL), SCB_OK);
    assert_text(&out, whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_of_every_kind),
        cmocka_unit_test(escapes_are_those_of_the_page_files),
        cmocka_unit_test(every_byte_comes_back),
        cmocka_unit_test(only_malformed_bytes_are_replaced),
        cmocka_unit_test(the_first_error_is_reported_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
