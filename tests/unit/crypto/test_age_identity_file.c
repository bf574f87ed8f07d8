/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/age_identity_file and age_identities: plain files, files under a passphrase that
 * another program has made, files that are refused and what the refusal says, new files.
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

#include "base/buffer.h"
#include "base/memory.h"
#include "crypto/age_armor.h"
#include "crypto/age_identity_file.h"

#define KEY   "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX"
#define OTHER "AGE-SECRET-KEY-1EGTZVFFV20835NWYV6270LXYVK2VKNX2MMDKWYKLMGR48UAWX40Q2P2LM0"

static const char recipient_of_key[] =
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";

/* KEY under "correct horse", work factor 4; made with Python's cryptography. */
static const char protected_key[] =
    "-----BEGIN AGE ENCRYPTED FILE-----\n"
    "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBBQXVKQlp0QzdKZU5Udm9G\n"
    "OVU2THl3IDQKUkVZM2x6VUVVVkdXSis1NUVQbTFrQ3R4bUdkWEdLQkdPNkpGSmFh\n"
    "T08zawotLS0gQ1A0QmhqeUF1TXVRMzdITE55eVhGL2dvNlVabi93V2hzdFFhQVN4\n"
    "MzNCYwqSfFEhGaUxyiHmD7FygDsJPf8xtdAErwSvGqXVIgkvZht+UZTioFz/M+I1\n"
    "fKruTfSpquHbwBWwKRXNA6E/L+61/oBZKCsNdRQ/7QQpr826Ya7eSTArcJHevw3J\n"
    "Pjo288bD1lv8OV2xFZ5ZS76zgowIzWRho3THbf0IE+TT0aT/cbAH2eV97uiCA9Am\n"
    "I8XbE0uGhsVLiC49VRA3Hcd7+ejdXz3/dwvb+9Vf9V8fEUBfBhhp712kSfdrF77N\n"
    "JLRbKuc5Hm7XGoTitI+nWr9rftTnesjS1XwmIg4=\n"
    "-----END AGE ENCRYPTED FILE-----\n";

static struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

static enum scb_status open_text(const char *text, const char *passphrase,
                                 struct scb_age_identities **ret_identities,
                                 struct scb_error *error)
{
    return scb_age_identity_file_open(bytes_of(text), bytes_of(passphrase), SCB_AGE_MAX_WORK,
                                      ret_identities, error);
}

static void assert_is_key(const struct scb_age_identities *identities)
{
    char text[SCB_AGE_RECIPIENT_TEXT_SIZE];
    struct scb_age_recipient recipient = scb_age_identities_recipient(identities, 0);
    scb_age_recipient_format(&recipient, text);
    assert_string_equal(text, recipient_of_key);
}

static void plain_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t count;
    } table[] = {
        {KEY, 1},
        {KEY "\n", 1},
        {KEY "\r\n", 1},
        {"# a comment\n\n" KEY "\n\n# another\n" OTHER "\n", 2},
        {"#" OTHER "\n" KEY, 1},
        {"\r\n" KEY "\r\n", 1},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(age_identities) struct scb_age_identities *identities = NULL;
        struct scb_error error = {0};
        assert_false(scb_age_identity_file_is_protected(bytes_of(table[i].text)));
        if (open_text(table[i].text, "", &identities, &error) != SCB_OK)
            fail_msg("%zu: %s", i, error.message);
        assert_int_equal(scb_age_identities_count(identities), table[i].count);
        assert_is_key(identities);
    }
}

static void plain_files_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } table[] = {
        {"", "there is no identity"},
        {"# only a comment\n", "there is no identity"},
        {KEY " \n", "line 1"},
        {" " KEY "\n", "line 1"},
        {"# x\n" KEY "\n" KEY KEY "\n", "line 3"},
        {KEY "\n\nage1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj\n", "line 3"},
        {"AGE-PLUGIN-YUBIKEY-1QQQQ\n", "line 1"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        struct scb_age_identities *identities = NULL;
        struct scb_error error = {0};
        assert_int_equal(open_text(table[i].text, "", &identities, &error), SCB_ERROR_VALIDATION);
        assert_null(identities);
        if (strstr(error.message, table[i].says) == NULL)
            fail_msg("%zu: %s", i, error.message);
        assert_null(strstr(error.message, "GFPYY"));
        assert_string_not_equal(error.hint, "");
    }
}

static void the_number_of_identities_is_bounded(void **state)
{
    (void)state;
    static char text[(SCB_AGE_MAX_IDENTITIES + 1) * (sizeof(KEY) + 1)];
    SCB_AUTO(age_identities) struct scb_age_identities *identities = NULL;
    char *end = text;
    for (int i = 0; i < SCB_AGE_MAX_IDENTITIES; i++)
        end = stpcpy(end, KEY "\n");
    assert_int_equal(open_text(text, "", &identities, NULL), SCB_OK);
    (void)stpcpy(end, OTHER "\n");
    struct scb_age_identities *none = NULL;
    assert_int_equal(open_text(text, "", &none, NULL), SCB_ERROR_VALIDATION);
    assert_null(none);
}

static void a_protected_file(void **state)
{
    (void)state;
    SCB_AUTO(age_identities) struct scb_age_identities *identities = NULL;
    assert_true(scb_age_identity_file_is_protected(bytes_of(protected_key)));
    assert_int_equal(open_text(protected_key, "correct horse", &identities, NULL), SCB_OK);
    assert_int_equal(scb_age_identities_count(identities), 1);
    assert_is_key(identities);
}

static enum scb_status append(void *state, const void *data, size_t size, struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

static void a_protected_file_without_armor(void **state)
{
    (void)state;
    SCB_AUTO(age_identities) struct scb_age_identities *identities = NULL;
    SCB_AUTO(buffer) struct scb_buffer binary = {.max = 4096};
    struct scb_age_armor armor;
    scb_age_armor_begin(&armor, (struct scb_sink){append, &binary});
    assert_int_equal(scb_age_armor_write(&armor, protected_key, strlen(protected_key), NULL),
                     SCB_OK);
    assert_int_equal(scb_age_armor_end(&armor, NULL), SCB_OK);
    assert_true(scb_age_identity_file_is_protected(scb_buffer_bytes(&binary)));
    assert_int_equal(scb_age_identity_file_open(scb_buffer_bytes(&binary),
                                                bytes_of("correct horse"), 4, &identities, NULL),
                     SCB_OK);
    assert_is_key(identities);
    binary.data[binary.size - 1] ^= 1;
    struct scb_age_identities *none = NULL;
    assert_int_equal(scb_age_identity_file_open(scb_buffer_bytes(&binary),
                                                bytes_of("correct horse"), 4, &none, NULL),
                     SCB_ERROR_INTEGRITY);
    assert_null(none);
}

static void a_wrong_passphrase(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "correct", "correct horse ", "Correct horse"};
    for (size_t i = 0; i < SCB_LENGTH(wrong); i++) {
        struct scb_age_identities *none = NULL;
        struct scb_error error = {0};
        assert_int_equal(open_text(protected_key, wrong[i], &none, &error), SCB_ERROR_ACCESS);
        assert_string_equal(error.message, "age: the passphrase is wrong");
        assert_null(none);
    }
}

static void more_work_than_is_allowed_is_not_begun(void **state)
{
    (void)state;
    struct scb_age_identities *none = NULL;
    struct scb_error error = {0};
    assert_int_equal(scb_age_identity_file_open(bytes_of(protected_key), bytes_of("correct horse"),
                                                3, &none, &error),
                     SCB_ERROR_INTEGRITY);
    assert_string_equal(error.message,
                        "age header: its scrypt work factor is 4, more than the 3 that is done");
}

static void sizes_are_bounded(void **state)
{
    (void)state;
    static uint8_t large[SCB_AGE_IDENTITY_FILE_MAX + 1];
    memset(large, '\n', sizeof(large));
    struct scb_age_identities *none = NULL;
    struct scb_bytes document = {large, sizeof(large)}, passphrase = {large, 4097};
    assert_int_equal(scb_age_identity_file_open(document, bytes_of(""), 4, &none, NULL),
                     SCB_ERROR_VALIDATION);
    assert_int_equal(
        scb_age_identity_file_open(bytes_of(protected_key), passphrase, 4, &none, NULL),
        SCB_ERROR_VALIDATION);
}

static void a_new_file_is_as_age_keygen_makes_it(void **state)
{
    (void)state;
    char text[SCB_AGE_IDENTITY_FILE_TEXT_SIZE], expected[256];
    char recipient_text[SCB_AGE_RECIPIENT_TEXT_SIZE];
    struct scb_age_recipient recipient;
    SCB_AUTO(age_identities) struct scb_age_identities *identities = NULL;
    assert_int_equal(scb_age_identity_file_generate(1705307400123, text, &recipient, NULL), SCB_OK);
    scb_age_recipient_format(&recipient, recipient_text);
    int size = snprintf(expected, sizeof(expected),
                        "# created: 2024-01-15T08:30:00Z\n# public key: %s\nAGE-SECRET-KEY-1",
                        recipient_text);
    assert_memory_equal(text, expected, (size_t)size);
    assert_int_equal(text[strlen(text) - 1], '\n');
    assert_int_equal(open_text(text, "", &identities, NULL), SCB_OK);
    struct scb_age_recipient again = scb_age_identities_recipient(identities, 0);
    assert_memory_equal(&again, &recipient, sizeof(again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_files),
        cmocka_unit_test(plain_files_that_are_refused),
        cmocka_unit_test(the_number_of_identities_is_bounded),
        cmocka_unit_test(a_protected_file),
        cmocka_unit_test(a_protected_file_without_armor),
        cmocka_unit_test(a_wrong_passphrase),
        cmocka_unit_test(more_work_than_is_allowed_is_not_begun),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(a_new_file_is_as_age_keygen_makes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
