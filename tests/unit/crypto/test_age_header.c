/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/age_header and the checks of age_stanza, beyond the published vectors: what the
 * grammar takes and what it does not, an argument by its number, the scrypt stanza's numbers.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../refused_memory.h"
#include "base/memory.h"
#include "crypto/age_header.h"
#include "crypto/age_stanza.h"

#define FULL   "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw\n"
#define BODY32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
#define SALT   "AAAAAAAAAAAAAAAAAAAAAA"

static struct scb_age_header header = {.bytes.max = SCB_AGE_MAX_HEADER};
static char text[4096];

/* A header of these stanzas, with some MAC. */
static enum scb_status parse(const char *stanzas, struct scb_error *error)
{
    int size = snprintf(text, sizeof(text), "%s%s--- %s", scb_age_version_line, stanzas, BODY32);
    assert_true(size > 0 && (size_t)size < sizeof(text));
    return scb_age_header_parse(&header, (struct scb_bytes){(const uint8_t *)text, (size_t)size},
                                error);
}

static void an_argument_takes_no_memory(void **state)
{
    (void)state;
    uint8_t bytes[32];
    const struct scb_bytes argument = {(const uint8_t *)BODY32, sizeof(BODY32) - 2};
    refuse_at = 1;
    bool decoded = scb_age_argument_decode(argument, bytes, sizeof(bytes));
    refuse_at = 0;
    assert_true(decoded);
    assert_int_equal(bytes[31], 0);
}

static int tear_down(void **state)
{
    (void)state;
    scb_buffer_free(&header.bytes);
    return 0;
}

static void headers_that_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *stanzas;
        size_t count, body;
    } table[] = {
        {"-> a\n\n", 1, 0},          {"-> a b !~ c\nAA\n", 1, 1},
        {"-> a\n" FULL "\n", 1, 48}, {"-> a\n" FULL FULL "YWJj\n-> b\n\n", 2, 99},
        {"-> --- ->\n\n", 1, 0},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        if (parse(table[i].stanzas, &error) != SCB_OK)
            fail_msg("%zu: %s", i, error.message);
        assert_int_equal(header.count, table[i].count);
        assert_int_equal(scb_age_stanza_body(&header, &header.stanzas[0]).size, table[i].body);
        assert_memory_equal(text + header.authenticated - 3, "--- ", 4);
    }
}

static void headers_that_are_refused(void **state)
{
    (void)state;
    static const char *const table[] = {
        "",
        "\n",
        "-> \n\n",
        "->\n\n",
        "->  a\n\n",
        "-> a \n\n",
        "-> a  b\n\n",
        "-> a\tb\n\n",
        "-> a\r\n\n",
        "-> a\x7f\n\n",
        "-> a\xc3\xa4\n\n",
        "-> a\n",
        "-> a\n" FULL,
        "-> a\nMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw\n",
        "-> a\nYWJj\r\n",
        "-> a\nYWJj \n",
        "-> a\nYWI=\n",
        "-> a\nYWJ\n",
        "-> a\nY\n",
        "-> a\nYWJj\nYWJj\n",
        "---\n-> a\n\n",
        "-> a\n\n--- " BODY32,
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        if (parse(table[i], &error) != SCB_ERROR_INTEGRITY)
            fail_msg("%zu was taken", i);
        assert_memory_equal(error.message, "age header: ", 12);
    }
}

static void an_argument_by_its_number(void **state)
{
    (void)state;
    static const char *const expected[] = {"first", "2", "third", "", ""};
    assert_int_equal(parse("-> first 2 third\n\n", NULL), SCB_OK);
    assert_int_equal(header.stanzas[0].argument_count, 3);
    for (size_t i = 0; i < SCB_LENGTH(expected); i++) {
        struct scb_bytes argument = scb_age_stanza_argument(&header.stanzas[0], i);
        assert_int_equal(argument.size, strlen(expected[i]));
        assert_memory_equal(argument.data, expected[i], argument.size);
    }
    assert_true(scb_age_stanza_is(&header.stanzas[0], "first"));
    assert_false(scb_age_stanza_is(&header.stanzas[0], "firs"));
    assert_false(scb_age_stanza_is(&header.stanzas[0], "FIRST"));
}

static void stanzas_that_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *stanzas;
        enum scb_status status;
    } table[] = {
        {"-> scrypt " SALT " 1\n" BODY32, SCB_OK},
        {"-> scrypt " SALT " 18\n" BODY32, SCB_OK},
        {"-> scrypt " SALT " 19\n" BODY32, SCB_ERROR_INTEGRITY},
        {"-> scrypt " SALT " 01\n" BODY32, SCB_ERROR_INTEGRITY},
        {"-> scrypt " SALT " 0\n" BODY32, SCB_ERROR_INTEGRITY},
        {"-> scrypt " SALT " 100\n" BODY32, SCB_ERROR_INTEGRITY},
        {"-> scrypt " SALT " 1a\n" BODY32, SCB_ERROR_INTEGRITY},
        {"-> scrypt " SALT " +1\n" BODY32, SCB_ERROR_INTEGRITY},
        {"-> scrypt " SALT "A 1\n" BODY32, SCB_ERROR_INTEGRITY},
        {"-> scrypt " SALT " 1\nAAAA\n", SCB_ERROR_INTEGRITY},
        {"-> scrypt " SALT " 1\n" BODY32 "-> other\n\n", SCB_ERROR_INTEGRITY},
        {"-> other\n\n-> scrypt " SALT " 1\n" BODY32, SCB_ERROR_INTEGRITY},
        {"-> Scrypt\n\n-> x25519\n\n-> X25519x\n\n", SCB_OK},
        {"-> X25519 " BODY32 BODY32, SCB_OK},
        {"-> X25519\n" BODY32, SCB_ERROR_INTEGRITY},
        {"-> X25519 " BODY32 "AAAA\n", SCB_ERROR_INTEGRITY},
        {"-> X25519 " SALT "\n" BODY32, SCB_ERROR_INTEGRITY},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        assert_int_equal(parse(table[i].stanzas, NULL), SCB_OK);
        if (scb_age_stanzas_check(&header, 18, NULL) != table[i].status)
            fail_msg("%zu is not %s", i, scb_status_name(table[i].status));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_argument_takes_no_memory), cmocka_unit_test(headers_that_are_read),
        cmocka_unit_test(headers_that_are_refused),    cmocka_unit_test(an_argument_by_its_number),
        cmocka_unit_test(stanzas_that_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, tear_down);
}
