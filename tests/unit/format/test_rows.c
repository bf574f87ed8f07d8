/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/rows: the exact lines, quoting, base64 and formulas, members longer than a piece
 * and than all that is buffered, and a sink that fails.
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
#include "base/text.h"
#include "format/rows.h"
#include "streams.h"

enum { MAX = 16 << 20, LARGE = 1000003 };

static struct scb_entry entry_of(const char *key, const char *value, const char *version)
{
    return (struct scb_entry){text_bytes(key), text_bytes(value), text_bytes(version)};
}

static void write_rows(enum scb_row_form form, bool escape, const struct scb_entry *entry,
                       struct scb_buffer *out)
{
    struct scb_row_writer writer = {.form = form,
                                    .escape_formulas = escape,
                                    .sink = buffer_sink(out),
                                    .pending = {.max = SCB_ROW_BUFFER}};
    assert_int_equal(scb_row_writer_begin(&writer, NULL), SCB_OK);
    assert_int_equal(scb_row_writer_add(&writer, entry, NULL), SCB_OK);
    assert_int_equal(scb_row_writer_end(&writer, NULL), SCB_OK);
    scb_buffer_free(&writer.pending);
}

static void assert_row(enum scb_row_form form, bool escape, struct scb_entry entry,
                       const char *expected)
{
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    write_rows(form, escape, &entry, &out);
    assert_int_equal(scb_buffer_append(&out, "", 1, NULL), SCB_OK);
    assert_string_equal(out.data, expected);
}

static void ndjson_has_the_members_of_a_page(void **state)
{
    (void)state;
    assert_row(SCB_ROWS_NDJSON, false, entry_of("k", "a\"\\\n\x01", ""),
               "{\"key\":\"k\",\"value\":\"a\\\"\\\\\\n\\u0001\",\"version_id\":\"\"}\n");
    assert_row(SCB_ROWS_NDJSON, false, entry_of("\xff", "v", "\xfe"),
               "{\"key\":\"/w==\",\"value\":\"v\",\"version_id\":\"/g==\","
               "\"base64\":[\"key\",\"version_id\"]}\n");
}

#define HEAD "key,value,version_id,base64\r\n"

static void csv_quotes_what_must_be(void **state)
{
    (void)state;
    assert_row(SCB_ROWS_CSV, false, entry_of("k", "plain text", ""), HEAD "k,plain text,,\r\n");
    assert_row(SCB_ROWS_CSV, false, entry_of("a,b", "a\"b", "a\nb"),
               HEAD "\"a,b\",\"a\"\"b\",\"a\nb\",\r\n");
    assert_row(SCB_ROWS_CSV, false, entry_of(" a", "a ", "\r"), HEAD "\" a\",\"a \",\"\r\",\r\n");
    assert_row(SCB_ROWS_CSV, false, entry_of("k", "\xff", "\xfe"),
               HEAD "k,/w==,/g==,value version_id\r\n");
}

static void csv_escapes_formulas_where_asked(void **state)
{
    (void)state;
    assert_row(SCB_ROWS_CSV, false, entry_of("=1", "+1", "-1"), HEAD "=1,+1,-1,\r\n");
    assert_row(SCB_ROWS_CSV, true, entry_of("=1", "+1", "-1"), HEAD "'=1,'+1,'-1,\r\n");
    assert_row(SCB_ROWS_CSV, true, entry_of("@a", "'a", "a="), HEAD "'@a,''a,a=,\r\n");
    assert_row(SCB_ROWS_CSV, true, entry_of("=a,b", "\t", "\xff"),
               HEAD "\"'=a,b\",'\t,/w==,version_id\r\n");
}

/* Longer than what is buffered, and no multiple of anything. */
static void long_members_come_whole(void **state)
{
    (void)state;
    uint8_t *bytes = malloc(LARGE);
    assert_non_null(bytes);
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    SCB_AUTO(buffer) struct scb_buffer decoded = {.max = MAX};
    memset(bytes, '"', LARGE);
    const struct scb_entry quotes = {text_bytes("k"), {bytes, LARGE}, text_bytes("v")};
    write_rows(SCB_ROWS_CSV, false, &quotes, &out);
    assert_int_equal(out.size, strlen(HEAD "k,\"\",v,\r\n") + 2 * (size_t)LARGE);
    scb_buffer_clear(&out);
    write_rows(SCB_ROWS_NDJSON, false, &quotes, &out);
    assert_int_equal(out.size, strlen("{\"key\":\"k\",\"value\":\"\",\"version_id\":\"v\"}\n") +
                                   2 * (size_t)LARGE);
    for (size_t i = 0; i < LARGE; i++)
        bytes[i] = (uint8_t)(i * 7 | 0x80);
    scb_buffer_clear(&out);
    write_rows(SCB_ROWS_NDJSON, false, &quotes, &out);
    size_t start = strlen("{\"key\":\"k\",\"value\":\""), size = (LARGE + 2) / 3 * 4;
    assert_int_equal(
        scb_text_base64_decode(&decoded, (struct scb_bytes){out.data + start, size}, NULL), SCB_OK);
    assert_int_equal(decoded.size, LARGE);
    assert_memory_equal(decoded.data, bytes, LARGE);
    free(bytes);
}

static void a_sink_that_fails_is_reported(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = 10};
    struct scb_row_writer writer = {
        .form = SCB_ROWS_CSV, .sink = buffer_sink(&out), .pending = {.max = SCB_ROW_BUFFER}};
    assert_int_equal(scb_row_writer_begin(&writer, NULL), SCB_OK);
    assert_int_equal(scb_row_writer_end(&writer, NULL), SCB_ERROR_RESOURCE);
    scb_buffer_free(&writer.pending);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ndjson_has_the_members_of_a_page),
        cmocka_unit_test(csv_quotes_what_must_be),
        cmocka_unit_test(csv_escapes_formulas_where_asked),
        cmocka_unit_test(long_members_come_whole),
        cmocka_unit_test(a_sink_that_fails_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
