/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers base/json_load: what is JSON and what is none, and that a refused allocation, whichever it
 * is, is never taken for a broken document nor shortens one.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../refused_memory.h"
#include "base/json_load.h"
#include "base/memory.h"

static enum scb_status load(const char *text, json_t **ret_value, struct scb_error *error)
{
    struct scb_bytes bytes = {(const uint8_t *)text, strlen(text)};
    return scb_json_load(bytes, ret_value, error);
}

static void documents_are_told_from_what_is_none(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool good;
    } table[] = {{"{}", true},
                 {"[1, 2]", true},
                 {"{\"a\": \"\\u00e4\"}", true},
                 {"", false},
                 {"{", false},
                 {"{\"a\": 1, \"a\": 2}", false},
                 {"{} x", false},
                 {"{\"a\": \"\xff\"}", false}};
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_error error = {0};
        json_t *value = NULL;
        assert_int_equal(load(table[i].text, &value, &error), SCB_OK);
        if ((value != NULL) != table[i].good)
            fail_msg("%s", table[i].text);
        json_decref(value);
    }
}

static void a_refused_memory_is_no_broken_document(void **state)
{
    (void)state;
    static const char text[] =
        "{\"chain_id\": 1234567890123456, \"genesis_hash\": "
        "\"0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\", "
        "\"list\": [true, null, -1.25e3, \"a text of more than sixteen bytes\"]}";
    json_t *expected = NULL;
    assert_int_equal(load(text, &expected, NULL), SCB_OK);
    assert_non_null(expected);
    bool refused = CAN_REFUSE;
    for (long at = 1; refused; at++) {
        struct scb_error error = {0};
        json_t *value = NULL;
        refuse_at = at;
        enum scb_status status = load(text, &value, &error);
        refused = refuse_at == 0;
        refuse_at = 0;
        if (refused) {
            assert_int_equal(status, SCB_ERROR_RESOURCE);
            assert_null(value);
            assert_non_null(strstr(error.message, "no memory to read"));
        } else {
            assert_int_equal(status, SCB_OK);
            assert_true(json_equal(value, expected));
            assert_true(at > 10);
        }
        json_decref(value);
    }
    json_decref(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_told_from_what_is_none),
        cmocka_unit_test(a_refused_memory_is_no_broken_document),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
