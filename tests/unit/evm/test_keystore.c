/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keystores: one of each kind, passwords that are wrong, files that lie or ask for too much,
 * published vectors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "../vectors.h"
#include "base/memory.h"
#include "base/text.h"
#include "evm/keystore.h"
#include "evm/scrypt.h"

static const char address_of_it[] = "0x17c5185167401eD00cF5F5b2fc97D9BBfDb7D025";

/* scrypt with little work; the password is "foo". */
static const char sound[] =
    "{\"address\":\"17c5185167401ed00cf5f5b2fc97d9bbfdb7d025\",\"version\":3,\"crypto\":{"
    "\"cipher\":\"aes-128-ctr\",\"cipherparams\":{\"iv\":\"deadbeef1deadbeef2deadbeef301234\"},"
    "\"ciphertext\":\"cea502df4b9405fa2b6d8d19ec4e2953c5ce08e0e01d4c0292512ce62baef8f3\","
    "\"kdf\":\"scrypt\",\"kdfparams\":{\"salt\":\"abcd1abcd2abcd3abcd4abcd5abcd6ef\",\"n\":1024,"
    "\"dklen\":32,\"p\":2,\"r\":4},"
    "\"mac\":\"6e0a8e2409261d464e35a251f4b1fddd6ad0f7045a18d3957c127387f1c0de72\"}}";

static struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

static void test_the_right_password(void **state)
{
    (void)state;
    SCB_AUTO(signer) struct scb_signer *signer = NULL;
    char text[SCB_ADDRESS_TEXT_SIZE];
    assert_int_equal(scb_keystore_open(bytes_of(sound), bytes_of("foo"), &signer, NULL), SCB_OK);
    scb_address_format(scb_signer_address(signer), text);
    assert_string_equal(text, address_of_it);
}

static void test_a_wrong_password(void **state)
{
    (void)state;
    static const char *const passwords[] = {"", "Foo", "foo ", "foo\n"};
    for (size_t i = 0; i < SCB_LENGTH(passwords); i++) {
        struct scb_signer *signer = NULL;
        struct scb_error error = {0};
        assert_int_equal(
            scb_keystore_open(bytes_of(sound), bytes_of(passwords[i]), &signer, &error),
            SCB_ERROR_ACCESS);
        assert_null(signer);
        assert_non_null(strstr(error.message, "password is wrong"));
        assert_string_not_equal(error.hint, "");
    }
}

/* The sound file with one text in it replaced. */
static char *altered(const char *from, const char *to)
{
    const char *at = strstr(sound, from);
    assert_non_null(at);
    char *text = NULL;
    assert_true(asprintf(&text, "%.*s%s%s", (int)(at - sound), sound, to, at + strlen(from)) > 0);
    return text;
}

static void test_files_that_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *because;
    } table[] = {
        {"{\"address\"", "[{\"address\"", "no JSON object"},
        {"\"version\":3", "\"version\":1", "version"},
        {"17c5185167401ed00cf5", "17c5185167401ed00cf6", "address"},
        {"aes-128-ctr", "aes-256-ctr", "cipher"},
        {"deadbeef1deadbeef2deadbeef301234", "", "iv"},
        {"deadbeef1dead", "deadbeef1deadaa", "iv"},
        {"cea502df", "cea502", "ciphertext"},
        {"\"scrypt\"", "\"argon2id\"", "kdf"},
        {"\"dklen\":32", "\"dklen\":64", "dklen"},
        {"\"n\":1024", "\"n\":1000", "scrypt"},
        {"\"n\":1024", "\"n\":1", "scrypt"},
        {"\"n\":1024", "\"n\":-1024", "scrypt"},
        {"\"n\":1024", "\"n\":1024.5", "scrypt"},
        {"\"n\":1024", "\"n\":4294967296", "scrypt"},
        {"\"n\":1024", "\"n\":16777216", "more memory or work"},
        {"\"r\":4", "\"r\":8388608", "more memory or work"},
        {"\"p\":2", "\"p\":16777216", "more memory or work"},
        {"\"p\":2", "\"p\":0", "scrypt"},
        {"\"kdf\":\"scrypt\",\"kdfparams\":{",
         "\"kdf\":\"pbkdf2\",\"kdfparams\":{\"c\":4000000000,", "iterations"},
        {"\"kdf\":\"scrypt\",\"kdfparams\":{",
         "\"kdf\":\"pbkdf2\",\"kdfparams\":{\"c\":10,\"prf\":\"hmac-sha1\",", "prf"},
        {"6e0a8e24", "6e0a8e", "mac"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(string) char *text = altered(table[i].from, table[i].to);
        struct scb_signer *signer = NULL;
        struct scb_error error = {0};
        enum scb_status status =
            scb_keystore_open(bytes_of(text), bytes_of("foo"), &signer, &error);
        if (status != SCB_ERROR_VALIDATION || strstr(error.message, table[i].because) == NULL)
            fail_msg("%s: %d %s", table[i].to, (int)status, error.message);
        assert_null(signer);
        assert_string_not_equal(error.hint, "");
    }
}

static void test_a_changed_mac_is_a_wrong_password(void **state)
{
    (void)state;
    SCB_AUTO(string) char *text = altered("6e0a8e24", "6e0a8e25");
    struct scb_signer *signer = NULL;
    assert_int_equal(scb_keystore_open(bytes_of(text), bytes_of("foo"), &signer, NULL),
                     SCB_ERROR_ACCESS);
}

/* RFC 7914, section 12. */
static void test_scrypt_of_the_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *password, *salt;
        struct scb_scrypt_cost cost;
        const char *expected;
    } table[] = {
        {"",
         "",
         {16, 1, 1},
         "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"
         "fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"},
        {"password",
         "NaCl",
         {1024, 8, 16},
         "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
         "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        uint8_t key[64];
        char digits[2 * sizeof(key) + 1];
        assert_int_equal(scb_scrypt(bytes_of(table[i].password), bytes_of(table[i].salt),
                                    &table[i].cost, key, sizeof(key), NULL),
                         SCB_OK);
        scb_text_hex(key, sizeof(key), digits);
        assert_string_equal(digits, table[i].expected);
    }
}

static void test_vectors_of_ethereum(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethereum-tests/basic_tests.json");
    if (vectors == NULL)
        skip();
    const char *name;
    json_t *vector;
    size_t tested = 0;
    json_object_foreach(vectors, name, vector)
    {
        char *text = json_dumps(json_object_get(vector, "json"), 0);
        uint8_t key[SCB_KEY_SIZE];
        SCB_AUTO(signer) struct scb_signer *signer = NULL;
        SCB_AUTO(signer) struct scb_signer *expected = NULL;
        struct scb_error error = {0};
        if (scb_keystore_open(bytes_of(text), bytes_of(vectors_text(vector, "password")), &signer,
                              &error) != SCB_OK)
            fail_msg("%s: %s", name, error.message);
        assert_true(scb_text_unhex(vectors_text(vector, "priv"), sizeof(key), key));
        assert_int_equal(scb_signer_new(key, &expected, NULL), SCB_OK);
        assert_memory_equal(scb_signer_address(signer), scb_signer_address(expected),
                            sizeof(struct scb_address));
        free(text);
        tested++;
    }
    assert_true(tested >= 4);
    json_decref(vectors);
}

static void test_vectors_of_ethers(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("ethers/wallets.json.gz");
    if (vectors == NULL)
        skip();
    size_t index, tested = 0;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        if (strcmp(vectors_text(vector, "type"), "keystore") != 0)
            continue;
        const char *digits = vectors_text(vector, "password") + 2;
        uint8_t password[64];
        size_t size = strlen(digits) / 2;
        assert_true(size <= sizeof(password) && scb_text_unhex(digits, size, password));
        SCB_AUTO(signer) struct scb_signer *signer = NULL;
        struct scb_error error = {0};
        if (scb_keystore_open(bytes_of(vectors_text(vector, "content")),
                              (struct scb_bytes){password, size}, &signer, &error) != SCB_OK)
            fail_msg("%s: %s", vectors_text(vector, "name"), error.message);
        char text[SCB_ADDRESS_TEXT_SIZE];
        scb_address_format(scb_signer_address(signer), text);
        assert_string_equal(text, vectors_text(vector, "address"));
        tested++;
    }
    assert_true(tested >= 6);
    json_decref(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_right_password),
        cmocka_unit_test(test_a_wrong_password),
        cmocka_unit_test(test_files_that_are_refused),
        cmocka_unit_test(test_a_changed_mac_is_a_wrong_password),
        cmocka_unit_test(test_scrypt_of_the_rfc),
        cmocka_unit_test(test_vectors_of_ethereum),
        cmocka_unit_test(test_vectors_of_ethers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
