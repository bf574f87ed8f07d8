/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers format/page_writer.c: the exact form (SPEC 4 and 9), every escape, base64 members, what
 * spills and what does not, bounded memory.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "crypto/digest.h"
#include "format/page.h"
#include "streams.h"

enum { MIN_MAX = 64 * 1024, MAX = 8 * 1024 * 1024 };

static struct scb_entry entry_of(const char *key, const char *value, const char *version_id)
{
    return (struct scb_entry){text_bytes(key), text_bytes(value), text_bytes(version_id)};
}

/* Writes a page that fits into out. */
static void write_page(struct scb_buffer *out, const struct scb_entry *entries, size_t count)
{
    struct scb_error error = {0};
    struct scb_page_writer writer;
    scb_page_writer_begin(&writer, out, (struct scb_sink){0});
    for (size_t i = 0; i < count; i++)
        assert_int_equal(scb_page_writer_append(&writer, &entries[i], &error), SCB_OK);
    assert_int_equal(scb_page_writer_end(&writer, &error), SCB_OK);
    assert_int_equal(writer.count, count);
    assert_int_equal(writer.spilled, 0);
}

static void assert_page(const struct scb_entry *entries, size_t count, const char *expected)
{
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    write_page(&out, entries, count);
    assert_int_equal(out.size, strlen(expected));
    assert_memory_equal(out.data, expected, out.size);
}

static void an_empty_page(void **state)
{
    (void)state;
    assert_page(NULL, 0, "[]");
}

static void the_form(void **state)
{
    (void)state;
    const struct scb_entry entries[] = {
        entry_of("user_profile_123", "{\"name\":\"John Doe\"}", "v1.0.0"),
        entry_of("", "", ""),
    };
    assert_page(entries, 1,
                "[\n  {\n    \"key\": \"user_profile_123\",\n"
                "    \"value\": \"{\\\"name\\\":\\\"John Doe\\\"}\",\n"
                "    \"version_id\": \"v1.0.0\"\n  }\n]");
    assert_page(entries, 2,
                "[\n  {\n    \"key\": \"user_profile_123\",\n"
                "    \"value\": \"{\\\"name\\\":\\\"John Doe\\\"}\",\n"
                "    \"version_id\": \"v1.0.0\"\n  },\n"
                "  {\n    \"key\": \"\",\n    \"value\": \"\",\n    \"version_id\": \"\"\n  }\n]");
}

static void every_escape(void **state)
{
    (void)state;
    uint8_t ascii[128];
    for (size_t i = 0; i < sizeof(ascii); i++)
        ascii[i] = (uint8_t)i;
    const struct scb_entry entry = {{ascii, sizeof(ascii)},
                                    text_bytes("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"),
                                    text_bytes("/")};
    assert_page(&entry, 1,
                "[\n  {\n    \"key\": \"\\u0000\\u0001\\u0002\\u0003\\u0004\\u0005\\u0006\\u0007"
                "\\b\\t\\n\\u000b\\f\\r\\u000e\\u000f\\u0010\\u0011\\u0012\\u0013\\u0014\\u0015"
                "\\u0016\\u0017\\u0018\\u0019\\u001a\\u001b\\u001c\\u001d\\u001e\\u001f"
                " !\\\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\\\]^_`"
                "abcdefghijklmnopqrstuvwxyz{|}~\x7f\",\n"
                "    \"value\": \"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",\n"
                "    \"version_id\": \"/\"\n  }\n]");
}

/* Each special byte at each place of a text of each length, against base/json's escapes. */
static void specials_anywhere(void **state)
{
    (void)state;
    static const uint8_t specials[] = {'"', '\\', 0, '\n', 0x1f, 0x20, 0x7f};
    for (size_t size = 1; size <= 20; size++) {
        for (size_t place = 0; place < size * SCB_LENGTH(specials); place++) {
            uint8_t text[20];
            memset(text, 'x', sizeof(text));
            text[place % size] = specials[place / size];
            struct scb_error error = {0};
            struct scb_entry entry = {{text, size}, {text, 0}, {text, 0}};
            SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
            SCB_AUTO(buffer) struct scb_buffer expected = {.max = MAX};
            write_page(&out, &entry, 1);
            assert_int_equal(scb_buffer_append_text(&expected, "[\n  {\n    \"key\": \"", &error),
                             SCB_OK);
            assert_int_equal(scb_json_append_escaped(&expected, entry.key, &error), SCB_OK);
            assert_int_equal(scb_buffer_append_text(&expected, "\",\n", &error), SCB_OK);
            assert_memory_equal(out.data, expected.data, expected.size);
        }
    }
}

static void members_in_base64(void **state)
{
    (void)state;
    static const char good[] = "k", bad[] = "\xff\xfe";
    static const char *const lists[] = {
        "",
        ",\n    \"base64\": [\"key\"]",
        ",\n    \"base64\": [\"value\"]",
        ",\n    \"base64\": [\"key\", \"value\"]",
        ",\n    \"base64\": [\"version_id\"]",
        ",\n    \"base64\": [\"key\", \"version_id\"]",
        ",\n    \"base64\": [\"value\", \"version_id\"]",
        ",\n    \"base64\": [\"key\", \"value\", \"version_id\"]",
    };
    for (unsigned set = 0; set < 8; set++) {
        struct scb_entry entry = entry_of((set & 1) != 0 ? bad : good, (set & 2) != 0 ? bad : good,
                                          (set & 4) != 0 ? bad : good);
        SCB_AUTO(string)
        char *expected = scb_format(
            NULL,
            "[\n  {\n    \"key\": \"%s\",\n    \"value\": \"%s\",\n    \"version_id\": \"%s\"%s\n"
            "  }\n]",
            (set & 1) != 0 ? "//4=" : good, (set & 2) != 0 ? "//4=" : good,
            (set & 4) != 0 ? "//4=" : good, lists[set]);
        assert_non_null(expected);
        assert_page(&entry, 1, expected);
    }
}

/* A parser that is not ours reads the same bytes. */
static void jansson_agrees(void **state)
{
    (void)state;
    uint8_t text[3000];
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)(i * 7 % 128);
    const struct scb_entry entry = {{text, 5}, {text, sizeof(text)}, {text, 1}};
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MAX};
    write_page(&out, &entry, 1);
    json_t *page = json_loadb((const char *)out.data, out.size, JSON_ALLOW_NUL, NULL);
    json_t *value = json_object_get(json_array_get(page, 0), "value");
    assert_int_equal(json_string_length(value), sizeof(text));
    assert_memory_equal(json_string_value(value), text, sizeof(text));
    json_decref(page);
}

/* A page whose JSON has exactly size bytes. */
static void write_sized(struct scb_page_writer *writer, size_t size)
{
    struct scb_error error = {0};
    static uint8_t text[MIN_MAX + 1];
    memset(text, 'x', sizeof(text));
    size_t frame = strlen("[\n  {\n    \"key\": \"\",\n    \"value\": \"\",\n"
                          "    \"version_id\": \"\"\n  }\n]");
    struct scb_entry entry = {{text, 0}, {text, size - frame}, {text, 0}};
    assert_int_equal(scb_page_writer_append(writer, &entry, &error), SCB_OK);
    assert_int_equal(scb_page_writer_end(writer, &error), SCB_OK);
}

static void only_size_decides_what_spills(void **state)
{
    (void)state;
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MIN_MAX};
    SCB_AUTO(buffer) struct scb_buffer spilled = {.max = MAX};
    struct scb_page_writer writer;

    scb_page_writer_begin(&writer, &out, buffer_sink(&spilled));
    write_sized(&writer, MIN_MAX);
    assert_int_equal(writer.spilled, 0);
    assert_int_equal(out.size, MIN_MAX);

    scb_page_writer_begin(&writer, &out, buffer_sink(&spilled));
    write_sized(&writer, MIN_MAX + 1);
    assert_int_equal(writer.spilled, MIN_MAX + 1);
    assert_int_equal(spilled.size, MIN_MAX + 1);
    assert_int_equal(out.size, 0);
}

/* The same where every byte of a page of exactly max takes six, or is in base64. */
static void worst_cases_do_not_spill_early(void **state)
{
    (void)state;
    static uint8_t controls[MIN_MAX / 6], odd[MIN_MAX / 4 * 3];
    memset(controls, 1, sizeof(controls));
    memset(odd, 0xff, sizeof(odd));
    size_t frame = strlen("[\n  {\n    \"key\": \"\",\n    \"value\": \"\",\n"
                          "    \"version_id\": \"\"\n  }\n]");
    size_t listed = frame + strlen(",\n    \"base64\": [\"value\"]");
    size_t escaped = (MIN_MAX - frame) / 6, encoded = (MIN_MAX - listed) / 4 * 3;
    const struct scb_entry entries[] = {
        {{odd, 0}, {controls, escaped}, {odd, 0}},
        {{odd, 0}, {odd, encoded}, {odd, 0}},
    };
    for (size_t i = 0; i < SCB_LENGTH(entries); i++) {
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MIN_MAX};
        write_page(&out, &entries[i], 1);
        assert_true(out.size > MIN_MAX - 6);
    }
}

struct counter {
    struct scb_digest digest;
    const struct scb_buffer *out;
    size_t largest;
};

static enum scb_status count_write(void *state, const void *data, size_t size,
                                   struct scb_error *error)
{
    struct counter *counter = state;
    if (size > counter->largest)
        counter->largest = size;
    assert_true(counter->out->capacity <= MIN_MAX);
    return scb_digest_update(&counter->digest, data, size, error);
}

/* A value of 16 MiB, sixfold when escaped, passes through 64 KiB and is the same in the end. */
static void a_large_value_in_bounded_memory(void **state)
{
    (void)state;
    size_t size = 16 * 1024 * 1024;
    uint8_t *value = malloc(size);
    assert_non_null(value);
    for (unsigned last = 1; last < 256; last += 254) { /* once escaped, once in base64 */
        struct scb_error error = {0};
        memset(value, 1, size);
        value[size - 1] = (uint8_t)last;
        struct scb_entry entry = {text_bytes("k"), {value, size}, text_bytes("v")};
        SCB_AUTO(buffer) struct scb_buffer out = {.max = MIN_MAX};
        SCB_AUTO(buffer) struct scb_buffer whole = {.max = 7 * size};
        struct counter counter = {.out = &out};
        struct scb_page_writer writer;
        uint8_t actual[SCB_SHA256_SIZE], expected[SCB_SHA256_SIZE];

        assert_int_equal(scb_digest_begin(&counter.digest, &error), SCB_OK);
        scb_page_writer_begin(&writer, &out, (struct scb_sink){count_write, &counter});
        assert_int_equal(scb_page_writer_append(&writer, &entry, &error), SCB_OK);
        assert_int_equal(scb_page_writer_end(&writer, &error), SCB_OK);
        assert_int_equal(scb_digest_end(&counter.digest, actual, &error), SCB_OK);
        assert_true(counter.largest <= MIN_MAX);

        write_page(&whole, &entry, 1);
        assert_int_equal(writer.spilled, whole.size);
        assert_int_equal(
            scb_digest_sha256(&counter.digest, scb_buffer_bytes(&whole), expected, &error), SCB_OK);
        assert_memory_equal(actual, expected, sizeof(actual));
        scb_digest_free(&counter.digest);
    }
    free(value);
}

static void too_large_without_a_spill(void **state)
{
    (void)state;
    struct scb_error error = {0};
    static uint8_t text[MIN_MAX];
    memset(text, 'x', sizeof(text));
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MIN_MAX};
    struct scb_page_writer writer;
    struct scb_entry entry = {{text, 0}, {text, sizeof(text)}, {text, 0}};
    scb_page_writer_begin(&writer, &out, (struct scb_sink){0});
    assert_int_equal(scb_page_writer_append(&writer, &entry, &error), SCB_ERROR_RESOURCE);
    assert_string_equal(error.message,
                        "the page takes more than 65536 bytes of JSON at its entry 0");
    assert_string_not_equal(error.hint, "");
}

static void a_failing_spill_is_reported(void **state)
{
    (void)state;
    struct scb_error error = {0};
    static uint8_t text[3 * MIN_MAX];
    memset(text, 'x', sizeof(text));
    SCB_AUTO(buffer) struct scb_buffer out = {.max = MIN_MAX};
    SCB_AUTO(buffer) struct scb_buffer full = {.max = MIN_MAX}; /* one spill goes in, no more */
    struct scb_page_writer writer;
    struct scb_entry entry = {{text, 0}, {text, sizeof(text)}, {text, 0}};
    scb_page_writer_begin(&writer, &out, buffer_sink(&full));
    assert_int_equal(scb_page_writer_append(&writer, &entry, &error), SCB_ERROR_RESOURCE);
    assert_string_equal(error.message, "more than the 65536 bytes allowed here");
    assert_int_equal(writer.spilled, full.size);
}

static void file_names(void **state)
{
    (void)state;
    char name[SCB_PAGE_NAME_SIZE];
    scb_page_file_name(0, false, name);
    assert_string_equal(name, "page_0.json");
    scb_page_file_name(UINT64_MAX, true, name);
    assert_string_equal(name, "page_18446744073709551615.json.gz.age");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_page),
        cmocka_unit_test(the_form),
        cmocka_unit_test(every_escape),
        cmocka_unit_test(specials_anywhere),
        cmocka_unit_test(members_in_base64),
        cmocka_unit_test(jansson_agrees),
        cmocka_unit_test(only_size_decides_what_spills),
        cmocka_unit_test(worst_cases_do_not_spill_early),
        cmocka_unit_test(a_large_value_in_bounded_memory),
        cmocka_unit_test(too_large_without_a_spill),
        cmocka_unit_test(a_failing_spill_is_reported),
        cmocka_unit_test(file_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
