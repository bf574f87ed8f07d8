/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/age_key: recipients there and back, what is refused and what a refusal shows, new
 * identities.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <string.h>

#include "base/memory.h"
#include "crypto/age_key.h"
#include "crypto/bech32.h"

static void a_recipient_there_and_back(void **state)
{
    (void)state;
    static const char text[] = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
    struct scb_age_recipient recipient;
    char again[SCB_AGE_RECIPIENT_TEXT_SIZE];
    assert_int_equal(scb_age_recipient_parse(text, &recipient, NULL), SCB_OK);
    scb_age_recipient_format(&recipient, again);
    assert_string_equal(again, text);
}

static void recipients_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
        bool quoted;
    } table[] = {
        {"", "no age recipient", false},
        {"age1", "X25519", true},
        {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwk", "mistyped", true},
        {"age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj ", "mistyped", true},
        {"age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e", "X25519", true},
        {"AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX",
         "no age recipient", false},
        {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA", "no age recipient", false},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_age_recipient recipient;
        struct scb_error error = {0};
        assert_int_equal(scb_age_recipient_parse(table[i].text, &recipient, &error),
                         SCB_ERROR_VALIDATION);
        assert_non_null(strstr(error.message, table[i].says));
        assert_string_not_equal(error.hint, "");
        assert_int_equal(table[i].quoted, strstr(error.message, "'age1") != NULL);
        assert_null(strstr(error.message, "GFPYYSJZ"));
    }
}

static void a_recipient_of_low_order_is_refused(void **state)
{
    (void)state;
    uint8_t point[2][SCB_AGE_KEY_SIZE] = {{0}, {1}};
    for (size_t i = 0; i < SCB_LENGTH(point); i++) {
        char text[SCB_AGE_RECIPIENT_TEXT_SIZE];
        struct scb_age_recipient recipient;
        struct scb_error error = {0};
        scb_bech32_encode("age", point[i], sizeof(point[i]), text);
        assert_int_equal(scb_age_recipient_parse(text, &recipient, &error), SCB_ERROR_VALIDATION);
        assert_non_null(strstr(error.message, "low order"));
    }
}

static void new_identities_are_new_and_parse(void **state)
{
    (void)state;
    char first[SCB_AGE_IDENTITY_TEXT_SIZE], second[SCB_AGE_IDENTITY_TEXT_SIZE];
    struct scb_age_recipient recipient, other;
    uint8_t secret[SCB_AGE_KEY_SIZE];
    assert_int_equal(scb_age_identity_generate(first, &recipient, NULL), SCB_OK);
    assert_int_equal(scb_age_identity_generate(second, &other, NULL), SCB_OK);
    assert_string_not_equal(first, second);
    assert_memory_not_equal(&recipient, &other, sizeof(other));
    struct scb_bytes text = {(const uint8_t *)first, strlen(first)};
    assert_true(scb_age_identity_parse(text, secret));
    first[20] = first[20] == 'Q' ? 'P' : 'Q';
    assert_false(scb_age_identity_parse(text, secret));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recipient_there_and_back),
        cmocka_unit_test(recipients_that_are_refused),
        cmocka_unit_test(a_recipient_of_low_order_is_refused),
        cmocka_unit_test(new_identities_are_new_and_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
