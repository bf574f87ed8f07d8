/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/text: numbers, durations, sizes, hex, base64 (RFC 4648), UTF-8 (RFC 3629), text for
 * terminals, URLs without their secrets, the nearest name.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

static struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

/* A refusal is one line that quotes the text, with a hint where the form is not plain. */
static void assert_refused(enum scb_status status, const struct scb_error *error, const char *text,
                           bool hinted)
{
    char quoted[64];
    (void)snprintf(quoted, sizeof(quoted), "'%.40s'", text);
    if (status != SCB_ERROR_VALIDATION || error->status != status)
        fail_msg("%s: status %d", quoted, status);
    assert_non_null(strstr(error->message, quoted));
    assert_int_equal(error->hint[0] != '\0', hinted);
}

static void numbers_are_read_whole_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t value;
    } good[] = {{"0", 0}, {"007", 7}, {"18446744073709551615", UINT64_MAX}};
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1,000",
                                      "0x10",
                                      "1e3",
                                      "ten",
                                      "18446744073709551616",
                                      "1.",
                                      "1\n2",
                                      "99999999999999999999999999999999999999999999"};
    for (size_t i = 0; i < SCB_LENGTH(good); i++) {
        uint64_t value = 1;
        assert_int_equal(scb_text_parse_u64(good[i].text, &value, NULL), SCB_OK);
        assert_int_equal(value, good[i].value);
    }
    for (size_t i = 0; i < SCB_LENGTH(bad); i++) {
        struct scb_error error = {0};
        uint64_t value = 77;
        assert_refused(scb_text_parse_u64(bad[i], &value, &error), &error, bad[i], false);
        assert_int_equal(value, 77);
    }
}

static void durations_are_read_whole_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } good[] = {{"0", 0},
                {"0s", 0},
                {"500ms", 500},
                {"90s", 90000},
                {"5m", 300000},
                {"24h", 86400000},
                {"7d", 604800000},
                {"2w", 1209600000},
                {"1h30m", 5400000},
                {"1m1m", 120000},
                {"9223372036854775807ms", INT64_MAX}};
    static const char *const bad[] = {"",
                                      "5",
                                      "s",
                                      "00",
                                      "1.5h",
                                      "-1s",
                                      "5 s",
                                      "1h 30m",
                                      "1h30",
                                      "1x",
                                      "5S",
                                      "5mss",
                                      "5s\n",
                                      "1µs",
                                      "5seconds",
                                      "ms",
                                      "15250284452473w",
                                      "9223372036854775808ms",
                                      "9223372036854775807ms1ms"};
    for (size_t i = 0; i < SCB_LENGTH(good); i++) {
        int64_t ms = -1;
        assert_int_equal(scb_text_parse_duration_ms(good[i].text, &ms, NULL), SCB_OK);
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < SCB_LENGTH(bad); i++) {
        struct scb_error error = {0};
        int64_t ms = 77;
        assert_refused(scb_text_parse_duration_ms(bad[i], &ms, &error), &error, bad[i], true);
        assert_int_equal(ms, 77);
        assert_int_equal(scb_text_parse_duration_ms(bad[i], &ms, NULL), SCB_ERROR_VALIDATION);
    }
}

static void sizes_are_read_whole_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"4096", 4096},
                {"64B", 64},
                {"512KiB", 524288},
                {"1kB", 1000},
                {"1KB", 1000},
                {"1MB", 1000000},
                {"1MiB", 1048576},
                {"1GB", 1000000000},
                {"1GiB", 1073741824},
                {"1TB", 1000000000000},
                {"8388607TiB", 8388607ull << 40},
                {"9223372036854775807", INT64_MAX}};
    static const char *const bad[] = {"",       "B",          "1.5GB",  "-1",
                                      "1 KiB",  "1kib",       "1K",     "1KiB1KiB",
                                      "1PiB",   "8388608TiB", "1KiB\n", "9223372036854775808",
                                      "0x10KB", "16777216TiB"};
    for (size_t i = 0; i < SCB_LENGTH(good); i++) {
        uint64_t value = 1;
        assert_int_equal(scb_text_parse_size(good[i].text, &value, NULL), SCB_OK);
        assert_int_equal(value, good[i].bytes);
    }
    for (size_t i = 0; i < SCB_LENGTH(bad); i++) {
        struct scb_error error = {0};
        uint64_t value = 77;
        assert_refused(scb_text_parse_size(bad[i], &value, &error), &error, bad[i], true);
        assert_int_equal(value, 77);
        assert_int_equal(scb_text_parse_size(bad[i], &value, NULL), SCB_ERROR_VALIDATION);
    }
}

static void durations_are_written_so_that_they_read_back(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } table[] = {{0, "0s"},           {1, "1ms"},
                 {500, "500ms"},      {1500, "1s500ms"},
                 {90000, "1m30s"},    {3600000, "1h"},
                 {5400000, "1h30m"},  {86400000, "24h"},
                 {604800000, "168h"}, {INT64_MAX, "2562047788015h12m55s807ms"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        char text[64];
        int64_t ms = -1;
        scb_text_format_duration(table[i].ms, text, sizeof(text));
        assert_string_equal(text, table[i].text);
        assert_int_equal(scb_text_parse_duration_ms(text, &ms, NULL), SCB_OK);
        assert_int_equal(ms, table[i].ms);
    }
    char text[64] = "unset";
    scb_text_format_duration(-5, text, sizeof(text));
    assert_string_equal(text, "0s");
    scb_text_format_duration(INT64_MAX, text, 6);
    assert_string_equal(text, "25620"); /* cut, not overrun */
}

static void sizes_are_written_so_that_they_read_back(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } table[] = {{0, "0B"},
                 {1, "1B"},
                 {1023, "1023B"},
                 {1024, "1KiB"},
                 {1025, "1025B"},
                 {268435456, "256MiB"},
                 {1536, "1536B"},
                 {1572864, "1536KiB"},
                 {1000000000, "1000000000B"},
                 {1 << 30, "1GiB"},
                 {3ull << 40, "3TiB"},
                 {INT64_MAX, "9223372036854775807B"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        char text[64];
        uint64_t bytes = 7;
        scb_text_format_size(table[i].bytes, text, sizeof(text));
        assert_string_equal(text, table[i].text);
        assert_int_equal(scb_text_parse_size(text, &bytes, NULL), SCB_OK);
        assert_int_equal(bytes, table[i].bytes);
    }
}

enum form { SHORT_SIZE, COUNT, ELAPSED };

static void numbers_are_written_for_people(void **state)
{
    (void)state;
    static const struct {
        enum form form;
        uint64_t value;
        const char *text;
    } table[] = {{SHORT_SIZE, 0, "0 B"},
                 {SHORT_SIZE, 812, "812 B"},
                 {SHORT_SIZE, 1024, "1.0 KiB"},
                 {SHORT_SIZE, 1468006, "1.4 MiB"},
                 {SHORT_SIZE, 5ull << 40, "5.0 TiB"},
                 {SHORT_SIZE, UINT64_MAX, "16777216.0 TiB"},
                 {COUNT, 0, "0"},
                 {COUNT, 999, "999"},
                 {COUNT, 1000, "1,000"},
                 {COUNT, 41200, "41,200"},
                 {COUNT, 123456, "123,456"},
                 {COUNT, 1234567, "1,234,567"},
                 {COUNT, UINT64_MAX, "18,446,744,073,709,551,615"},
                 {ELAPSED, 0, "0s"},
                 {ELAPSED, 5, "0.01s"},
                 {ELAPSED, 250, "0.25s"},
                 {ELAPSED, 5000, "5s"},
                 {ELAPSED, 9994, "9.99s"},
                 {ELAPSED, 9995, "10s"},
                 {ELAPSED, 9999, "10s"},
                 {ELAPSED, 59499, "59s"},
                 {ELAPSED, 59500, "1m00s"},
                 {ELAPSED, 150000, "2m30s"},
                 {ELAPSED, 3599499, "59m59s"},
                 {ELAPSED, 3599500, "1h00m"},
                 {ELAPSED, 3720000, "1h02m"},
                 {ELAPSED, 360000000, "100h00m"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        char text[32];
        if (table[i].form == SHORT_SIZE)
            scb_text_format_size_short(table[i].value, text, sizeof(text));
        else if (table[i].form == COUNT)
            scb_text_format_count(table[i].value, text, sizeof(text));
        else
            scb_text_format_elapsed((int64_t)table[i].value, text, sizeof(text));
        assert_string_equal(text, table[i].text);
    }
    char text[8];
    scb_text_format_elapsed(-3, text, sizeof(text));
    assert_string_equal(text, "0s");
}

static void hex_is_read_and_written(void **state)
{
    (void)state;
    const uint8_t data[] = {0x00, 0x09, 0x0a, 0x9f, 0xf0, 0xff};
    char text[2 * sizeof(data) + 1];
    uint8_t back[sizeof(data)];
    scb_text_hex(data, sizeof(data), text);
    assert_string_equal(text, "00090a9ff0ff");
    assert_true(scb_text_unhex("00090A9fF0ff", sizeof(back), back));
    assert_memory_equal(back, data, sizeof(data));
    scb_text_hex(data, 0, text);
    assert_string_equal(text, "");
    static const char *const bad[] = {"0", "0g", "g0", " 0", "0x", "-1", "", ":0", "0@", "`0"};
    for (size_t i = 0; i < SCB_LENGTH(bad); i++)
        assert_false(scb_text_unhex(bad[i], 1, back));
    for (int c = 0; c < 256; c++) {
        const char *digits = "0123456789abcdefABCDEF";
        const char *at = c == 0 ? NULL : strchr(digits, c);
        int value = at == NULL ? -1 : (int)(at - digits);
        assert_int_equal(scb_text_hex_digit((char)c), value > 15 ? value - 6 : value);
    }
}

static void base64_is_that_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *plain;
        size_t size;
        const char *text;
    } table[] = {{"", 0, ""},
                 {"f", 1, "Zg=="},
                 {"fo", 2, "Zm8="},
                 {"foo", 3, "Zm9v"},
                 {"foob", 4, "Zm9vYg=="},
                 {"fooba", 5, "Zm9vYmE="},
                 {"foobar", 6, "Zm9vYmFy"},
                 {"\0\xff\xfe", 3, "AP/+"},
                 {"\xfb\xef\xbe\xff", 4, "++++/w=="}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(buffer) struct scb_buffer text = {.max = 64};
        SCB_AUTO(buffer) struct scb_buffer plain = {.max = 64};
        struct scb_bytes data = {(const uint8_t *)table[i].plain, table[i].size};
        assert_int_equal(scb_text_base64_append(&text, data, NULL), SCB_OK);
        assert_int_equal(text.size, strlen(table[i].text));
        if (text.size > 0)
            assert_memory_equal(text.data, table[i].text, text.size);
        assert_int_equal(scb_text_base64_decode(&plain, bytes_of(table[i].text), NULL), SCB_OK);
        assert_int_equal(plain.size, table[i].size);
        if (plain.size > 0)
            assert_memory_equal(plain.data, table[i].plain, plain.size);
    }
}

static void base64_that_is_not_canonical_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"Z",    "Zg",   "Zg=",      "Zg==\n",   "Z===", "====",
                                      "Zh==", "Zm9=", "Zg==Zg==", "Zm8=Zm9v", "=m9v", "Z=9v",
                                      "Zm=v", "Zm 9", "Zm-_",     "Zm\x80v",  "Zg=v", "@m9v",
                                      "[m9v", "`m9v", "{m9v",     ":m9v",     ".m9v", ",m9v"};
    for (size_t i = 0; i < SCB_LENGTH(bad); i++) {
        struct scb_error error = {0};
        SCB_AUTO(buffer) struct scb_buffer plain = {.max = 64};
        if (scb_text_base64_decode(&plain, bytes_of(bad[i]), &error) != SCB_ERROR_INTEGRITY)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(error.message, "base64"));
    }
    SCB_AUTO(buffer) struct scb_buffer small = {.max = 5};
    assert_int_equal(scb_text_base64_append(&small, bytes_of("abcd"), NULL), SCB_ERROR_RESOURCE);
    assert_int_equal(scb_text_base64_decode(&small, bytes_of("Zm9vYmFy"), NULL),
                     SCB_ERROR_RESOURCE);
    assert_int_equal(small.size, 0);
}

/* RFC 3629; each stands at every place around a word of eight plain bytes, and cut short. */
static void utf8_is_told_from_other_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } table[] = {{"\x7f", true},
                 {"\xc2\x80", true},
                 {"\xdf\xbf", true},
                 {"\xe0\xa0\x80", true},
                 {"\xed\x9f\xbf", true},
                 {"\xee\x80\x80", true},
                 {"\xef\xbf\xbf", true},
                 {"\xf0\x90\x80\x80", true},
                 {"\xf4\x8f\xbf\xbf", true},
                 {"\x80", false},
                 {"\xbf", false},
                 {"\xc0\x80", false}, /* overlong */
                 {"\xc1\xbf", false}, /* overlong */
                 {"\xc2\x7f", false},
                 {"\xc2\xc0", false},
                 {"\xe0\x9f\xbf", false}, /* overlong */
                 {"\xed\xa0\x80", false}, /* surrogate */
                 {"\xed\xbf\xbf", false}, /* surrogate */
                 {"\xe1\x80\xc0", false},
                 {"\xe1\x7f\x80", false},
                 {"\xf0\x8f\xbf\xbf", false}, /* overlong */
                 {"\xf4\x90\x80\x80", false}, /* over U+10FFFF */
                 {"\xf1\x80\x80\x7f", false},
                 {"\xf5\x80\x80\x80", false},
                 {"\xff", false}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        size_t length = strlen(table[i].text);
        for (size_t before = 0; before < 18; before++) {
            for (size_t after = 0; after < 10; after++) {
                uint8_t text[32];
                memset(text, 'a', sizeof(text));
                memcpy(text + before, table[i].text, length);
                struct scb_bytes bytes = {text, before + length + after};
                if (scb_text_is_utf8(bytes) != table[i].good)
                    fail_msg("row %zu at %zu of %zu", i, before, bytes.size);
                bytes.size = before + length - 1;
                if (length > 1)
                    assert_false(scb_text_is_utf8(bytes));
            }
        }
    }
    assert_true(scb_text_is_utf8((struct scb_bytes){NULL, 0}));
    assert_true(scb_text_is_utf8((struct scb_bytes){(const uint8_t *)"a\0b", 3}));
}

static void untrusted_text_is_shown_harmless(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t size; /* of the room */
        const char *shown;
    } table[] = {
        {"", 8, ""},
        {"plain", 32, "plain"},
        {"a\tb\nc\x1b[31m\x7f", 64, "a\\x09b\\x0ac\\x1b[31m\\x7f"},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 32, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\xc2\x9b"
         "A\xc2\xa0",
         32, "\\xc2\\x9bA\xc2\xa0"}, /* a C1 control; U+00A0 is none */
        {"\xff\xc3", 32, "\\xff\\xc3"},
        {"abcdefg", 8, "abcdefg"},
        {"abcdefgh", 8, "abcd\xe2\x80\xa6"},
        {"abc\n", 8, "abc\\x0a"},
        {"abcd\n", 8, "abcd\xe2\x80\xa6"},
        {"ab\xe2\x82\xac\xe2\x82\xac", 8, "ab\xe2\x80\xa6"},
        {"abc", 4, "abc"},
        {"abcd", 4, "\xe2\x80\xa6"},
        {"abcd", 3, ""},
        {"abcd", 1, ""}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        char room[80];
        memset(room, '#', sizeof(room));
        assert_ptr_equal(scb_text_printable(bytes_of(table[i].text), room, table[i].size), room);
        assert_string_equal(room, table[i].shown);
        assert_int_equal(room[table[i].size], '#');
    }
    char nothing = '#';
    scb_text_printable(bytes_of("abc"), &nothing, 0);
    assert_int_equal(nothing, '#');
}

static void urls_lose_what_may_be_secret(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        const char *origin;
    } table[] = {
        {"https://rpc.example.org", "https://rpc.example.org"},
        {"https://rpc.example.org:8545/v3/KEY?token=KEY#KEY", "https://rpc.example.org:8545"},
        {"https://rpc.example.org?KEY", "https://rpc.example.org"},
        {"https://rpc.example.org#KEY", "https://rpc.example.org"},
        {"https://user:KEY@rpc.example.org/x", "https://rpc.example.org"},
        {"https://user:K@E@Y@rpc.example.org", "https://rpc.example.org"},
        {"https://rpc.example.org/@KEY", "https://rpc.example.org"},
        {"http://[::1]:8545/KEY", "http://[::1]:8545"},
        {"user:KEY@rpc.example.org/KEY", "rpc.example.org"},
        {"rpc.example.org/KEY?next=http://x/", "rpc.example.org"},
        {"rpc.example.org?KEY=http://x/", "rpc.example.org"},
        {"https://", "https://"},
        {"", ""},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        char origin[64];
        scb_text_url_origin(table[i].url, origin, sizeof(origin));
        assert_string_equal(origin, table[i].origin);
    }
    char small[12];
    scb_text_url_origin("https://rpc.example.org", small, sizeof(small));
    assert_string_equal(small, "https://rpc");
}

static void the_nearest_name_is_near(void **state)
{
    (void)state;
    static const char *const names[] = {"page_size", "page_deadline", "group", "block", "x"};
    static const struct {
        const char *word;
        const char *nearest;
    } table[] = {{"page_size", "page_size"}, {"pagesize", "page_size"}, {"page_siez", "page_size"},
                 {"grp", "group"},           {"groups", "group"},       {"blok", "block"},
                 {"deadline", NULL},         {"zzzzzzzz", NULL},        {"", "x"}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        const char *nearest = scb_text_nearest(table[i].word, names, SCB_LENGTH(names));
        if (table[i].nearest == NULL)
            assert_null(nearest);
        else
            assert_string_equal(nearest, table[i].nearest);
    }
    assert_null(scb_text_nearest("page_size", names, 0));
    char longest[200];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    assert_null(scb_text_nearest(longest, names, SCB_LENGTH(names)));
    const char *const same[] = {longest};
    assert_null(scb_text_nearest("x", same, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read_whole_or_refused),
        cmocka_unit_test(durations_are_read_whole_or_refused),
        cmocka_unit_test(sizes_are_read_whole_or_refused),
        cmocka_unit_test(durations_are_written_so_that_they_read_back),
        cmocka_unit_test(sizes_are_written_so_that_they_read_back),
        cmocka_unit_test(numbers_are_written_for_people),
        cmocka_unit_test(hex_is_read_and_written),
        cmocka_unit_test(base64_is_that_of_the_rfc),
        cmocka_unit_test(base64_that_is_not_canonical_is_refused),
        cmocka_unit_test(utf8_is_told_from_other_bytes),
        cmocka_unit_test(untrusted_text_is_shown_harmless),
        cmocka_unit_test(urls_lose_what_may_be_secret),
        cmocka_unit_test(the_nearest_name_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
