/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/identity*: node IDs of published chains, what is created, loaded and refused, the
 * files that are never replaced, signatures. What openssl says of the same: integration tests.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <openssl/pem.h>

#include "../failing_calls.h"
#include "../temp_dir.h"
#include "../vectors.h"
#include "base/memory.h"
#include "crypto/identity_parts.h"

static struct scb_bytes bytes_of(const char *text)
{
    return (struct scb_bytes){(const uint8_t *)text, strlen(text)};
}

static void node_ids_of_published_chains(void **state)
{
    (void)state;
    json_t *vectors = vectors_load("storj/node_ids.json");
    if (vectors == NULL)
        skip();
    size_t index;
    json_t *vector;
    json_array_foreach(vectors, index, vector)
    {
        SCB_AUTO(identity) struct scb_identity *identity = NULL;
        struct scb_error error = {0};
        char text[SCB_NODE_ID_TEXT_SIZE];
        struct scb_node_id parsed;
        const char *expected = vectors_text(vector, "node_id");
        if (scb_identity_parse(bytes_of(vectors_text(vector, "chain")), &identity, &error) !=
            SCB_OK)
            fail_msg("%s: %s", expected, error.message);
        assert_int_equal(scb_node_id_format(scb_identity_node_id(identity), text, NULL), SCB_OK);
        assert_string_equal(text, expected);
        assert_int_equal(scb_node_id_parse(expected, &parsed, NULL), SCB_OK);
        assert_true(scb_node_id_equal(&parsed, scb_identity_node_id(identity)));
        struct scb_identity_view view;
        assert_int_equal(scb_identity_describe(identity, &view, NULL), SCB_OK);
        assert_string_equal(view.subject, "O=Storj");
        assert_string_equal(view.not_before, "0001-01-01T00:00:00Z");
    }
    assert_true(index >= 10);
    json_decref(vectors);
}

static struct scb_identity *create_in(const char *name, unsigned difficulty)
{
    struct scb_identity *identity = NULL;
    struct scb_error error = {0};
    if (scb_identity_create(temp_path(name), difficulty, NULL, &identity, &error) != SCB_OK)
        fail_msg("%s", error.message);
    return identity;
}

/* Of the two files below a directory that create has made. */
static enum scb_status load(const char *name, bool with_key, struct scb_identity **ret_identity,
                            struct scb_error *error)
{
    char cert[512], key[512];
    (void)snprintf(cert, sizeof(cert), "%s/%s/identity.cert", temp_dir, name);
    (void)snprintf(key, sizeof(key), "%s/%s/identity.key", temp_dir, name);
    return scb_identity_load(cert, with_key ? key : NULL, ret_identity, error);
}

static void what_is_created_can_be_loaded(void **state)
{
    (void)state;
    SCB_AUTO(identity) struct scb_identity *made = create_in("new/id", 0);
    SCB_AUTO(identity) struct scb_identity *loaded = NULL;
    SCB_AUTO(buffer) struct scb_buffer pem = {.max = SCB_IDENTITY_MAX_PEM};
    assert_string_equal(temp_list("new/id"), "ca.cert ca.key identity.cert identity.key");
    assert_int_equal(temp_mode("new/id"), 0700);
    assert_int_equal(temp_mode("new/id/ca.key"), 0600);
    assert_int_equal(temp_mode("new/id/identity.key"), 0600);
    assert_int_equal(temp_mode("new/id/identity.cert"), 0644);
    assert_int_equal(load("new/id", true, &loaded, NULL), SCB_OK);
    assert_true(scb_node_id_equal(scb_identity_node_id(loaded), scb_identity_node_id(made)));
    assert_int_equal(scb_identity_pem(loaded, &pem, NULL), SCB_OK);
    assert_int_equal(scb_buffer_append(&pem, "", 1, NULL), SCB_OK);
    assert_string_equal((char *)pem.data, temp_read("new/id/identity.cert"));
    struct scb_identity_view view;
    assert_int_equal(scb_identity_describe(loaded, &view, NULL), SCB_OK);
    assert_string_equal(view.subject, "CN=satellite identity,O=satellite");
    assert_string_equal(view.not_after, "9999-12-31T23:59:59Z");
}

static void the_difficulty_is_met(void **state)
{
    (void)state;
    SCB_AUTO(identity) struct scb_identity *made = create_in("id", 14);
    assert_true(scb_node_id_difficulty(scb_identity_node_id(made)) >= 14);
}

static void the_work_can_be_canceled(void **state)
{
    (void)state;
    struct scb_cancel *cancel = NULL;
    struct scb_identity *identity = NULL;
    assert_int_equal(scb_cancel_new(&cancel, NULL), SCB_OK);
    scb_cancel_request(cancel);
    assert_int_equal(
        scb_identity_create(temp_path("id"), SCB_IDENTITY_MAX_DIFFICULTY, cancel, &identity, NULL),
        SCB_ERROR_CANCELED);
    assert_null(identity);
    assert_string_equal(temp_list("id"), "");
    scb_cancel_free(cancel);
}

static void nothing_is_replaced(void **state)
{
    (void)state;
    static const char *const names[] = {"ca.cert", "ca.key", "identity.cert", "identity.key"};
    temp_mkdir("id");
    for (size_t i = 0; i < SCB_LENGTH(names); i++) {
        char name[64];
        struct scb_identity *identity = NULL;
        struct scb_error error = {0};
        (void)snprintf(name, sizeof(name), "id/%s", names[i]);
        if (i % 2 == 0)
            temp_write(name, "mine");
        else
            temp_link("nowhere", name);
        assert_int_equal(scb_identity_create(temp_path("id"), 0, NULL, &identity, &error),
                         SCB_ERROR_FILE);
        assert_null(identity);
        assert_non_null(strstr(error.message, names[i]));
        assert_string_not_equal(error.hint, "");
        assert_string_equal(temp_list("id"), names[i]);
        assert_int_equal(unlink(temp_path(name)), 0);
    }
}

static void a_disk_that_fails_leaves_nothing(void **state)
{
    (void)state;
    static const enum call calls[] = {CALL_WRITE, CALL_SYNC};
    temp_mkdir("id");
    for (size_t i = 0; i < SCB_LENGTH(calls); i++)
        for (int at = 1; at <= 4; at++) {
            struct scb_identity *identity = NULL;
            calls_reset();
            calls_fail(calls[i], at, EIO);
            enum scb_status status = scb_identity_create(temp_path("id"), 0, NULL, &identity, NULL);
            calls_reset();
            assert_int_equal(status, SCB_ERROR_FILE);
            assert_null(identity);
            assert_string_equal(temp_list("id"), "");
        }
}

static void a_key_that_others_can_read_is_refused(void **state)
{
    (void)state;
    scb_identity_free(create_in("id", 0));
    bool is_root = geteuid() == 0;
    static const struct {
        mode_t mode;
        bool is_sound, is_sound_of_root;
    } table[] = {
        {0600, true, true},   {0400, true, true},   {0640, false, true},  {0440, false, true},
        {0660, false, false}, {0644, false, false}, {0604, false, false}, {0601, false, false},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(identity) struct scb_identity *identity = NULL;
        struct scb_error error = {0};
        assert_int_equal(chmod(temp_path("id/identity.key"), table[i].mode), 0);
        enum scb_status status = load("id", true, &identity, &error);
        if (is_root ? table[i].is_sound_of_root : table[i].is_sound) {
            assert_int_equal(status, SCB_OK);
            continue;
        }
        assert_int_equal(status, SCB_ERROR_VALIDATION);
        assert_non_null(strstr(error.message, "is open to others"));
        assert_non_null(strstr(error.hint, "chmod 600 "));
        assert_int_equal(load("id", false, &identity, NULL), SCB_OK);
    }
}

/* Writes the key of a made identity in another form. */
static void write_key(const char *name, const struct scb_identity *identity, const char *passphrase)
{
    FILE *file = fopen(temp_path(name), "we");
    assert_non_null(file);
    const EVP_CIPHER *cipher = passphrase == NULL ? NULL : EVP_aes_128_cbc();
    char *typed = passphrase == NULL ? NULL : strdup(passphrase);
    assert_int_equal(PEM_write_PKCS8PrivateKey(file, identity->key, cipher, typed,
                                               typed == NULL ? 0 : (int)strlen(typed), NULL, NULL),
                     1);
    free(typed);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(temp_path(name), 0600), 0);
}

static void both_forms_of_a_key(void **state)
{
    (void)state;
    SCB_AUTO(identity) struct scb_identity *made = create_in("id", 0);
    SCB_AUTO(identity) struct scb_identity *loaded = NULL;
    assert_non_null(strstr(temp_read("id/identity.key"), "-----BEGIN EC PRIVATE KEY-----"));
    write_key("id/identity.key", made, NULL);
    assert_non_null(strstr(temp_read("id/identity.key"), "-----BEGIN PRIVATE KEY-----"));
    assert_int_equal(load("id", true, &loaded, NULL), SCB_OK);
}

static void assert_not_loaded(enum scb_status expected, const char *because)
{
    struct scb_identity *identity = NULL;
    struct scb_error error = {0};
    enum scb_status status = load("id", true, &identity, &error);
    if (status != expected || strstr(error.message, because) == NULL)
        fail_msg("%s: %d %s", because, (int)status, error.message);
    assert_null(identity);
    if (error.hint[0] == '\0')
        fail_msg("%s: no hint", error.message);
}

static void keys_that_are_refused(void **state)
{
    (void)state;
    SCB_AUTO(identity) struct scb_identity *made = create_in("id", 0);
    SCB_AUTO(identity) struct scb_identity *other = create_in("other", 0);
    write_key("id/identity.key", made, "secret");
    assert_not_loaded(SCB_ERROR_VALIDATION, "under a passphrase");
    write_key("id/identity.key", other, NULL);
    assert_not_loaded(SCB_ERROR_VALIDATION, "it is not the key of the certificate");
    temp_write("id/identity.key", "");
    assert_not_loaded(SCB_ERROR_VALIDATION, "no private key in PEM");
    assert_int_equal(truncate(temp_path("id/identity.key"), SCB_IDENTITY_MAX_FILE + 1), 0);
    struct scb_error error = {0};
    struct scb_identity *none = NULL;
    assert_int_equal(load("id", true, &none, &error), SCB_ERROR_VALIDATION);
    assert_non_null(strstr(error.message, "over 16384 bytes"));
    assert_int_equal(unlink(temp_path("id/identity.key")), 0);
    assert_not_loaded(SCB_ERROR_NOT_FOUND, "not opened");
    assert_int_equal(mkfifo(temp_path("id/identity.key"), 0600), 0);
    assert_int_equal(load("id", true, &none, &error), SCB_ERROR_VALIDATION);
    assert_non_null(strstr(error.message, "no plain file"));
}

static const char *cert_of(const char *pem, int which)
{
    const char *at = strstr(pem, "-----BEGIN CERTIFICATE-----");
    return which == 0 ? at : strstr(at + 1, "-----BEGIN CERTIFICATE-----");
}

/* leaf and authority of two identities, in any order: "0" "1" of one, "2" "3" of the other. */
static void chains_that_are_refused(void **state)
{
    (void)state;
    scb_identity_free(create_in("id", 0));
    scb_identity_free(create_in("other", 0));
    char *pem[2] = {strdup(temp_read("id/identity.cert")),
                    strdup(temp_read("other/identity.cert"))};
    static const struct {
        const char *order, *because;
    } table[] = {
        {"01", NULL},
        {"0123", "no authority's"},
        {"013", "neither by the next"},
        {"0111", NULL},
        {"01111", "more than 4"},
        {"", "0 certificates"},
        {"0", "1 certificates"},
        {"10", "no authority's"},
        {"00", "no authority's"},
        {"010", "no authority's"},
        {"03", "not signed by the authority"},
        {"11", "not for signatures"},
        {"0x", "broken certificate"},
    };
    for (size_t i = 0; i < SCB_LENGTH(table); i++) {
        SCB_AUTO(buffer) struct scb_buffer chain = {.max = SCB_IDENTITY_MAX_FILE};
        for (const char *digit = table[i].order; *digit != '\0'; digit++) {
            int number = *digit == 'x' ? 0 : *digit - '0';
            const char *from = cert_of(pem[number / 2], number % 2);
            size_t size = (size_t)(strstr(from, "-----END") - from);
            if (*digit == 'x')
                size /= 2;
            assert_int_equal(scb_buffer_append(&chain, from, size, NULL), SCB_OK);
            assert_int_equal(scb_buffer_append_text(&chain, "-----END CERTIFICATE-----\n", NULL),
                             SCB_OK);
        }
        SCB_AUTO(identity) struct scb_identity *identity = NULL;
        struct scb_error error = {0};
        enum scb_status status = scb_identity_parse(scb_buffer_bytes(&chain), &identity, &error);
        if (table[i].because == NULL
                ? status != SCB_OK
                : status != SCB_ERROR_VALIDATION || strstr(error.message, table[i].because) == NULL)
            fail_msg("%s: %d %s", table[i].order, (int)status, error.message);
    }
    free(pem[0]);
    free(pem[1]);
}

static void signatures(void **state)
{
    (void)state;
    SCB_AUTO(identity) struct scb_identity *made = create_in("id", 0);
    SCB_AUTO(identity) struct scb_identity *other = create_in("other", 0);
    uint8_t sha256[SCB_SHA256_SIZE] = {1, 2, 3};
    struct scb_identity_signature signature;
    assert_int_equal(scb_identity_sign(made, sha256, &signature, NULL), SCB_OK);
    struct scb_bytes der = {signature.der, signature.size};
    assert_int_equal(scb_identity_verify(made, sha256, der, NULL), SCB_OK);
    struct scb_error error = {0};
    assert_int_equal(scb_identity_verify(other, sha256, der, &error), SCB_ERROR_INTEGRITY);
    assert_non_null(strstr(error.message, "signature is wrong"));
    for (size_t bit = 0; bit < 8 * signature.size; bit++) {
        signature.der[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_int_equal(scb_identity_verify(made, sha256, der, NULL), SCB_ERROR_INTEGRITY);
        signature.der[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t size = 0; size < signature.size; size++)
        assert_int_equal(
            scb_identity_verify(made, sha256, (struct scb_bytes){signature.der, size}, NULL),
            SCB_ERROR_INTEGRITY);
    sha256[31] ^= 1;
    assert_int_equal(scb_identity_verify(made, sha256, der, NULL), SCB_ERROR_INTEGRITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(node_ids_of_published_chains),
        IN_TEMP(what_is_created_can_be_loaded),
        IN_TEMP(the_difficulty_is_met),
        IN_TEMP(the_work_can_be_canceled),
        IN_TEMP(nothing_is_replaced),
        IN_TEMP(a_disk_that_fails_leaves_nothing),
        IN_TEMP(a_key_that_others_can_read_is_refused),
        IN_TEMP(both_forms_of_a_key),
        IN_TEMP(keys_that_are_refused),
        IN_TEMP(chains_that_are_refused),
        IN_TEMP(signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
