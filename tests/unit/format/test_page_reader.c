/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/page_reader.c: what the writer makes comes back, whatever the read sizes; anything
 * else is refused; limits.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "format/page.h"
#include "streams.h"

enum { MAX = 8 * 1024 * 1024, LIMIT = 200 * 1024 };

static const struct scb_page_limits limits = {LIMIT, LIMIT};

#define ENTRY(key, value, version_id, rest)                                                        \
    "  {\n    \"key\": " key ",\n    \"value\": " value ",\n    \"version_id\": " version_id rest  \
    "\n  }"
#define PAGE(key, value, version_id, rest) "[\n" ENTRY(key, value, version_id, rest) "\n]"

/* Reads a page and writes what was read again; the writer's errors fail the test. */
static enum scb_status copy_page(struct memory_input input, struct scb_page_limits bounds,
                                 struct scb_buffer *out, struct scb_error *error)
{
    struct scb_page_reader *reader = NULL;
    struct scb_page_writer writer;
    struct scb_error write_error = {0};
    scb_page_writer_begin(&writer, out, (struct scb_sink){0});
    assert_int_equal(scb_page_reader_new(memory_input(&input), bounds, &reader, error), SCB_OK);
    bool more = true;
    enum scb_status status = SCB_OK;
    while (more) {
        struct scb_entry entry;
        status = scb_page_reader_next(reader, &more, &entry, error);
        if (status != SCB_OK)
            break;
        if (more)
            assert_int_equal(scb_page_writer_append(&writer, &entry, &write_error), SCB_OK);
    }
    if (status == SCB_OK) {
        struct scb_entry entry;
        assert_int_equal(scb_page_reader_next(reader, &more, &entry, error), SCB_OK);
        assert_false(more);
    }
    scb_page_reader_free(reader);
    assert_int_equal(scb_page_writer_end(&writer, &write_error), SCB_OK);
    return status;
}

static void assert_same(const struct scb_buffer *actual, struct scb_bytes expected)
{
    assert_int_equal(actual->size, expected.size);
    assert_memory_equal(actual->data, expected.data, expected.size);
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525 + 1013904223;
    return *state >> 8;
}

/* A page of odd entries: all bytes, well-formed and malformed UTF-8, empty, longer than a window.
 */
static void write_odd_page(struct scb_buffer *out, uint32_t seed)
{
    static const char *const alphabets[] = {"\"\\\n\x01\x1f {}:,", "\xc3\xa9", "\xff\x80", "abc"};
    static uint8_t text[3][LIMIT];
    struct scb_error error = {0};
    struct scb_page_writer writer;
    scb_page_writer_begin(&writer, out, (struct scb_sink){0});
    for (size_t i = 0; i < 30; i++) {
        struct scb_bytes parts[3];
        for (size_t k = 0; k < 3; k++) {
            const char *alphabet = alphabets[next_random(&seed) % SCB_LENGTH(alphabets)];
            size_t letters = strlen(alphabet);
            size_t size = next_random(&seed) % (i == 20 ? LIMIT : 40);
            for (size_t b = 0; b < size; b++)
                text[k][b] = (uint8_t)alphabet[(b + next_random(&seed) % 97 / 96) % letters];
            parts[k] = (struct scb_bytes){text[k], size};
        }
        struct scb_entry entry = {parts[0], parts[1], parts[2]};
        assert_int_equal(scb_page_writer_append(&writer, &entry, &error), SCB_OK);
    }
    assert_int_equal(scb_page_writer_end(&writer, &error), SCB_OK);
}

static void round_trips_in_reads_of_any_size(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 7, 4096, 65536, SIZE_MAX};
    for (size_t i = 0; i < SCB_LENGTH(steps); i++) {
        SCB_AUTO(buffer) struct scb_buffer page = {.max = MAX};
        SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
        struct scb_error error = {0};
        write_odd_page(&page, (uint32_t)i);
        struct memory_input input = {.data = scb_buffer_bytes(&page), .step = steps[i]};
        assert_int_equal(copy_page(input, limits, &again, &error), SCB_OK);
        assert_same(&again, scb_buffer_bytes(&page));
    }
}

static void entries_come_out(void **state)
{
    (void)state;
    static const char page[] = PAGE("\"k\\u0000\"", "\"//4=\"", "\"\\\"\\\\\\b\\f\\n\\r\\t/\"",
                                    ",\n    \"base64\": "
                                    "[\"value\"]");
    struct memory_input input = {.data = text_bytes(page), .step = SIZE_MAX};
    struct scb_page_reader *reader = NULL;
    struct scb_error error = {0};
    struct scb_entry entry = {0};
    bool more = false;
    assert_int_equal(scb_page_reader_new(memory_input(&input), limits, &reader, &error), SCB_OK);
    assert_int_equal(scb_page_reader_next(reader, &more, &entry, &error), SCB_OK);
    assert_true(more);
    assert_int_equal(entry.key.size, 2);
    assert_memory_equal(entry.key.data, "k\0", 2);
    assert_int_equal(entry.value.size, 2);
    assert_memory_equal(entry.value.data, "\xff\xfe", 2);
    assert_int_equal(entry.version_id.size, 8);
    assert_memory_equal(entry.version_id.data, "\"\\\b\f\n\r\t/", 8);
    assert_int_equal(scb_page_reader_next(reader, &more, &entry, &error), SCB_OK);
    assert_false(more);
    scb_page_reader_free(reader);
}

static const char *const accepted[] = {
    "[]",
    PAGE("\"\"", "\"\"", "\"\"", ""),
    PAGE("\"\x7f\"", "\"\xc3\xa9\"", "\"\\u001f\"", ""),
    PAGE("\"gA==\"", "\"\"", "\"/w==\"", ",\n    \"base64\": [\"key\", \"version_id\"]"),
    "[\n" ENTRY("\"a\"", "\"b\"", "\"c\"", "") ",\n" ENTRY("\"a\"", "\"b\"", "\"c\"", "") "\n]",
};

static const char *const refused[] = {
    "",
    "[",
    "[]\n",
    "[] ",
    "[]]",
    " []",
    "[ ]",
    "[\n]",
    "{}",
    "null",
    "\xef\xbb\xbf[]",
    "[]x",
    /* white space, names, order, number of members */
    "[" ENTRY("\"\"", "\"\"", "\"\"", "") "\n]",
    "[\n" ENTRY("\"\"", "\"\"", "\"\"", "") "]",
    "[\n" ENTRY("\"\"", "\"\"", "\"\"", "") "\n]\n",
    "[\n" ENTRY("\"\"", "\"\"", "\"\"", "") ",\n]",
    "[\n" ENTRY("\"\"", "\"\"", "\"\"", "") "\n" ENTRY("\"\"", "\"\"", "\"\"", "") "\n]",
    "[\r\n" ENTRY("\"\"", "\"\"", "\"\"", "") "\r\n]",
    "[\n  {\"key\": \"\", \"value\": \"\", \"version_id\": \"\"}\n]",
    "[\n  {\n    \"value\": \"\",\n    \"key\": \"\",\n    \"version_id\": \"\"\n  }\n]",
    "[\n  {\n    \"key\": \"\",\n    \"value\": \"\"\n  }\n]",
    "[\n  {\n    \"Key\": \"\",\n    \"value\": \"\",\n    \"version_id\": \"\"\n  }\n]",
    "[\n  {\n  }\n]",
    PAGE("\"\"", "\"\"", "\"\"", ",\n    \"more\": \"\""),
    PAGE("\"\"", "\"\"", "\"\"", ","),
    PAGE("\"\"", "null", "\"\"", ""),
    PAGE("\"\"", "1", "\"\"", ""),
    PAGE("\"\" ", "\"\"", "\"\"", ""),
    /* bytes and escapes that the writer writes otherwise */
    PAGE("\"\n\"", "\"\"", "\"\"", ""),
    PAGE("\"\x01\"", "\"\"", "\"\"", ""),
    PAGE("\"\x1f\"", "\"\"", "\"\"", ""),
    PAGE("\"\\/\"", "\"\"", "\"\"", ""),
    PAGE("\"\\a\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u0041\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u0020\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u0022\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u000a\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u0008\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u000B\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u001F\"", "\"\"", "\"\"", ""),
    PAGE("\"\\U001f\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u001g\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u0100\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u00e9\"", "\"\"", "\"\"", ""),
    PAGE("\"\\ud83d\\ude00\"", "\"\"", "\"\"", ""),
    PAGE("\"\\u00\"", "\"\"", "\"\"", ""),
    PAGE("\"\xff\"", "\"\"", "\"\"", ""),
    PAGE("\"\xc0\x80\"", "\"\"", "\"\"", ""),
    PAGE("\"\xed\xa0\x80\"", "\"\"", "\"\"", ""),
    PAGE("\"\"", "\"\xe2\x82\"", "\"\"", ""),
    /* base64 that is not canonical, not needed, or listed otherwise */
    PAGE("\"gA==\"", "\"\"", "\"\"", ",\n    \"base64\": []"),
    PAGE("\"gA==\"", "\"gA==\"", "\"\"", ",\n    \"base64\": [\"value\", \"key\"]"),
    PAGE("\"gA==\"", "\"gA==\"", "\"\"", ",\n    \"base64\": [\"key\",\"value\"]"),
    PAGE("\"gA==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\", \"key\"]"),
    PAGE("\"gA==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\", ]"),
    PAGE("\"gA==\"", "\"\"", "\"\"", ",\n    \"base64\": [, \"key\"]"),
    PAGE("\"gA==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"other\"]"),
    PAGE("\"gA==\"", "\"\"", "\"\"", ",\n    \"base64\": [ \"key\"]"),
    PAGE("\"gA==\"", "\"\"", "\"\"", ",\n    \"base64\": \"key\""),
    PAGE("\"gA==\"", "\"\"", "\"\"",
         ",\n    \"base64\": [\"key\", \"value\", \"version_id\", \"x\"]"),
    PAGE("\"gA==\"", "\"\"", "\"\"",
         ",\n    \"base64\": [\"key\", \"value\", \"version_id\", \"x\", \"and so on\", \"and "
         "on\"]"),
    PAGE("\"gA==\"", "\"\"", "\"\"", ", \"base64\": [\"key\"]"),
    PAGE("\"gA==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"],"),
    PAGE("\"YQ==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
    PAGE("\"\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
    PAGE("\"gB==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
    PAGE("\"gA\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
    PAGE("\"gA=\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
    PAGE("\"gA==gA==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
    PAGE("\"g\\nA=\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
    PAGE("\"_w==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
};

static void the_form_and_nothing_else(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(accepted) + SCB_LENGTH(refused); i++) {
        bool good = i < SCB_LENGTH(accepted);
        const char *page = good ? accepted[i] : refused[i - SCB_LENGTH(accepted)];
        SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
        struct scb_error error = {0};
        struct memory_input input = {.data = text_bytes(page), .step = SIZE_MAX};
        enum scb_status status = copy_page(input, limits, &again, &error);
        if (status != (good ? SCB_OK : SCB_ERROR_INTEGRITY))
            fail_msg("status %d for:\n%s", (int)status, page);
        if (good)
            assert_same(&again, text_bytes(page));
        else
            assert_non_null(strstr(error.message, " at byte "));
    }
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    const char *page = accepted[SCB_LENGTH(accepted) - 2];
    for (size_t size = 0; size < strlen(page); size++) {
        SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
        struct scb_error error = {0};
        struct memory_input input = {.data = {(const uint8_t *)page, size}, .step = 3};
        assert_int_equal(copy_page(input, limits, &again, &error), SCB_ERROR_INTEGRITY);
        assert_non_null(strstr(error.message, "ends too early"));
    }
}

static void messages_say_where(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer page = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
    struct scb_error error = {0};
    write_odd_page(&page, 1);
    SCB_AUTO(string)
    char *message =
        scb_format(&error, "the page goes on after its end at byte %zu (entry 30)", page.size);
    assert_non_null(message);
    assert_int_equal(scb_buffer_append_text(&page, "\n", &error), SCB_OK);
    struct memory_input input = {.data = scb_buffer_bytes(&page), .step = SIZE_MAX};
    assert_int_equal(copy_page(input, limits, &again, &error), SCB_ERROR_INTEGRITY);
    assert_string_equal(error.message, message);
}

/* Whatever one byte is changed to: it is refused, or it is a page and comes back as it is. */
static void every_changed_byte(void **state)
{
    (void)state;
    const char *page = accepted[SCB_LENGTH(accepted) - 2];
    size_t size = strlen(page), kept = 0;
    SCB_AUTO(memory) uint8_t *changed = malloc(size);
    assert_non_null(changed);
    for (size_t i = 0; i < size * 256; i++) {
        memcpy(changed, page, size);
        changed[i / 256] = (uint8_t)(i % 256);
        SCB_AUTO(buffer) struct scb_buffer again = {.max = 64 * 1024};
        struct scb_error error = {0};
        struct memory_input input = {.data = {changed, size}, .step = SIZE_MAX};
        enum scb_status status = copy_page(input, limits, &again, &error);
        if (status == SCB_OK)
            assert_same(&again, input.data);
        else
            assert_int_equal(status, SCB_ERROR_INTEGRITY);
        kept += status == SCB_OK;
    }
    assert_true(kept >= size); /* at least the page itself, once a byte */
}

static void limits_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *page;
        struct scb_page_limits limits;
        const char *message; /* NULL where it is within the limits */
        const char *hint;
    } cases[] = {
        {PAGE("\"12345\"", "\"123\"", "\"12345\"", ""), {5, 3}, NULL, NULL},
        {PAGE("\"12345\"", "\"123\"", "\"\"", ""),
         {4, 3},
         "the key of the page's entry 0 has more than 4 bytes",
         "raise backup.max_key_size"},
        {PAGE("\"\"", "\"123\"", "\"\"", ""),
         {4, 2},
         "the value of the page's entry 0 has more than 2 bytes",
         "raise backup.max_value_size"},
        {PAGE("\"\"", "\"\\n\\n\\u0000\"", "\"\"", ""), {0, 3}, NULL, NULL},
        {PAGE("\"\"", "\"\"", "\"12345\"", ""),
         {4, 0},
         "the version_id of the page's entry 0 has more than 4 bytes",
         "raise backup.max_key_size"},
        {PAGE("\"\"", "\"1234567890\"", "\"\"", ""),
         {0, 4},
         "the value of the page's entry 0 has more than 4 bytes",
         "raise backup.max_value_size"},
        {PAGE("\"//79/A==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"), {4, 0}, NULL, NULL},
        {PAGE("\"//79/A==\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
         {3, 0},
         "the key of the page's entry 0 has more than 3 bytes",
         "raise backup.max_key_size"},
        {PAGE("\"//79/Pv6\"", "\"\"", "\"\"", ",\n    \"base64\": [\"key\"]"),
         {5, 0},
         "the key of the page's entry 0 has more than 5 bytes",
         "raise backup.max_key_size"},
    };
    for (size_t i = 0; i < SCB_LENGTH(cases); i++) {
        SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
        struct scb_error error = {0};
        struct memory_input input = {.data = text_bytes(cases[i].page), .step = SIZE_MAX};
        enum scb_status status = copy_page(input, cases[i].limits, &again, &error);
        assert_int_equal(status, cases[i].message == NULL ? SCB_OK : SCB_ERROR_RESOURCE);
        if (cases[i].message != NULL) {
            assert_string_equal(error.message, cases[i].message);
            assert_string_equal(error.hint, cases[i].hint);
        }
    }
}

/* A string without an end is given up at the limit, however much input there is. */
static void an_endless_string_is_bounded(void **state)
{
    (void)state;
    SCB_AUTO(memory) char *page = malloc(MAX);
    assert_non_null(page);
    static const char start[] = "[\n  {\n    \"key\": \"";
    memset(page, 'x', MAX);
    memcpy(page, start, strlen(start));
    struct scb_error error = {0};
    struct memory_input input = {.data = {(const uint8_t *)page, MAX}, .step = 1000};
    struct scb_page_reader *reader = NULL;
    struct scb_entry entry;
    bool more = false;
    assert_int_equal(scb_page_reader_new(memory_input(&input), limits, &reader, &error), SCB_OK);
    assert_int_equal(scb_page_reader_next(reader, &more, &entry, &error), SCB_ERROR_RESOURCE);
    assert_string_equal(error.message, "the key of the page's entry 0 has more than 204800 bytes");
    assert_true(input.at < 2 * LIMIT);
    scb_page_reader_free(reader);
}

static void a_failed_read_is_passed_on(void **state)
{
    (void)state;
    for (size_t at = 1; at < strlen(accepted[1]); at++) {
        SCB_AUTO(buffer) struct scb_buffer again = {.max = MAX};
        struct scb_error error = {0};
        struct memory_input input = {.data = text_bytes(accepted[1]), .step = 1, .fail_at = at};
        assert_int_equal(copy_page(input, limits, &again, &error), SCB_ERROR_FILE);
        assert_string_equal(error.message, "a read that fails");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips_in_reads_of_any_size),
        cmocka_unit_test(entries_come_out),
        cmocka_unit_test(the_form_and_nothing_else),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(messages_say_where),
        cmocka_unit_test(every_changed_byte),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(an_endless_string_is_bounded),
        cmocka_unit_test(a_failed_read_is_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
