/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/age_recipients: one text for a set however it was given, and what is no set.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/age_recipients.h"

#define SPEC "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

/* More than there may be, all different. */
static char texts[SCB_AGE_MAX_RECIPIENTS + 1][SCB_AGE_RECIPIENT_TEXT_SIZE];

static int make_texts(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(texts); i++) {
        char secret[SCB_AGE_IDENTITY_TEXT_SIZE];
        struct scb_age_recipient recipient;
        assert_int_equal(scb_age_identity_generate(secret, &recipient, NULL), SCB_OK);
        scb_age_recipient_format(&recipient, texts[i]);
    }
    return 0;
}

static void one_text_however_they_were_given(void **state)
{
    (void)state;
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    char first[SCB_AGE_RECIPIENTS_TEXT_SIZE], text[SCB_AGE_RECIPIENTS_TEXT_SIZE];
    for (size_t i = 0; i < SCB_LENGTH(orders); i++) {
        const char *list[4] = {texts[orders[i][0]], texts[orders[i][1]], texts[orders[i][2]]};
        struct scb_age_recipients recipients;
        assert_int_equal(scb_age_recipients_parse(list, &recipients, NULL), SCB_OK);
        assert_int_equal(recipients.count, 3);
        scb_age_recipients_format(&recipients, i == 0 ? first : text);
        if (i > 0)
            assert_string_equal(text, first);
        for (size_t n = 0; n < 3; n++)
            assert_non_null(strstr(first, texts[n]));
    }
    assert_int_equal(strlen(first), 3 * strlen(SPEC) + 2);
}

static void as_many_as_there_may_be(void **state)
{
    (void)state;
    const char *list[SCB_AGE_MAX_RECIPIENTS + 2] = {NULL};
    struct scb_age_recipients recipients = {.count = 99};
    struct scb_error error = {0};
    char text[SCB_AGE_RECIPIENTS_TEXT_SIZE];
    assert_int_equal(scb_age_recipients_parse(list, &recipients, NULL), SCB_OK);
    assert_int_equal(recipients.count, 0);
    scb_age_recipients_format(&recipients, text);
    assert_string_equal(text, "");
    for (size_t i = 0; i < SCB_AGE_MAX_RECIPIENTS; i++)
        list[i] = texts[i];
    assert_int_equal(scb_age_recipients_parse(list, &recipients, NULL), SCB_OK);
    scb_age_recipients_format(&recipients, text);
    assert_int_equal(strlen(text), sizeof(text) - 1);
    list[SCB_AGE_MAX_RECIPIENTS] = texts[SCB_AGE_MAX_RECIPIENTS];
    assert_int_equal(scb_age_recipients_parse(list, &recipients, &error), SCB_ERROR_VALIDATION);
    assert_string_equal(error.message, "entry 65: more than 64 age recipients");
}

static void what_is_no_set_is_refused(void **state)
{
    (void)state;
    const struct {
        const char *list[4];
        const char *message;
    } table[] = {
        {{SPEC, "age1x"}, "entry 2: age recipient 'age1x' is no X25519 public key, or mistyped"},
        {{texts[0], SPEC, texts[0]}, "is there twice"},
        {{SPEC, "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"},
         "entry 2: this is no age recipient"},
        {{""}, "entry 1: this is no age recipient"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_age_recipients recipients = {.count = 99};
        struct scb_error error = {0};
        assert_int_equal(scb_age_recipients_parse(table[i].list, &recipients, &error),
                         SCB_ERROR_VALIDATION);
        if (strstr(error.message, table[i].message) == NULL ||
            strstr(error.message, "GFPYYSJZ") != NULL)
            fail_msg("%s", error.message);
        assert_string_not_equal(error.hint, "");
        assert_int_equal(recipients.count, 99);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_text_however_they_were_given),
        cmocka_unit_test(as_many_as_there_may_be),
        cmocka_unit_test(what_is_no_set_is_refused),
    };
    return cmocka_run_group_tests(tests, make_texts, NULL);
}
