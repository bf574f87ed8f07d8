/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Covers crypto/identity's checks of a chain: certificates made to be odd in one way each.
 */
/* clang-format off */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/identity_parts.h"

/* What a sound chain is made of; a case changes one thing. */
struct recipe {
    const char *because; /* what the error says; NULL where the chain is sound */
    const char *ca_curve, *leaf_curve;
    const char *hash;
    const char *ca_constraints, *ca_usage, *leaf_usage;
    const char *version; /* of the identity, in hex; NULL for no extension */
    bool is_explicit;    /* the authority's curve is spelled out instead of named */
    const char *point;   /* the form of its point; it gives one key more than one node ID */
    bool is_expired;
};

static EVP_PKEY *make_key(const char *curve)
{
    return curve == NULL ? EVP_RSA_gen(2048) : EVP_EC_gen(curve);
}

static void set_form(EVP_PKEY *key, const char *name, const char *form)
{
    assert_int_equal(EVP_PKEY_set_utf8_string_param(key, name, form), 1);
}

static void add(X509 *cert, int nid, const char *value)
{
    if (value == NULL)
        return;
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void add_version(X509 *cert, const char *hex)
{
    char value[64];
    if (hex == NULL)
        return;
    (void)snprintf(value, sizeof(value), "DER:%s", hex);
    X509_EXTENSION *extension = X509V3_EXT_conf(NULL, NULL, SCB_IDENTITY_VERSION_OID, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *begin_cert(const char *name, EVP_PKEY *key, const X509 *issuer, bool is_expired)
{
    X509 *cert = X509_new();
    X509_NAME *subject = X509_get_subject_name(cert);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1), 1);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const uint8_t *)name, -1, -1, 0),
        1);
    assert_int_equal(
        X509_set_issuer_name(cert, issuer == NULL ? subject : X509_get_subject_name(issuer)), 1);
    assert_int_equal(ASN1_TIME_set_string(X509_getm_notBefore(cert), "20000101000000Z"), 1);
    assert_int_equal(ASN1_TIME_set_string(X509_getm_notAfter(cert),
                                          is_expired ? "20000102000000Z" : "99991231235959Z"),
                     1);
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    return cert;
}

static void cook(const struct recipe *recipe, struct scb_buffer *pem)
{
    EVP_PKEY *ca_key = make_key(recipe->ca_curve);
    EVP_PKEY *leaf_key = make_key(recipe->leaf_curve);
    if (recipe->is_explicit)
        set_form(ca_key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT);
    if (recipe->point != NULL)
        set_form(ca_key, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, recipe->point);
    const EVP_MD *hash = EVP_get_digestbyname(recipe->hash);
    X509 *ca = begin_cert("authority", ca_key, NULL, recipe->is_expired);
    add(ca, NID_basic_constraints, recipe->ca_constraints);
    add(ca, NID_key_usage, recipe->ca_usage);
    add_version(ca, recipe->version);
    assert_true(X509_sign(ca, ca_key, hash) > 0);
    X509 *leaf = begin_cert("leaf", leaf_key, ca, recipe->is_expired);
    add(leaf, NID_key_usage, recipe->leaf_usage);
    assert_true(X509_sign(leaf, ca_key, hash) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    assert_int_equal(PEM_write_bio_X509(bio, leaf), 1);
    assert_int_equal(PEM_write_bio_X509(bio, ca), 1);
    long size = BIO_get_mem_data(bio, &text);
    assert_int_equal(scb_buffer_append(pem, text, (size_t)size, NULL), SCB_OK);
    (void)BIO_free(bio);
    X509_free(ca);
    X509_free(leaf);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(leaf_key);
}

#define SOUND(...)                                                                                 \
    {                                                                                              \
        .ca_curve = "P-256", .leaf_curve = "P-256", .hash = "SHA256",                              \
        .ca_constraints = "critical,CA:TRUE", .ca_usage = "critical,keyCertSign",                  \
        .leaf_usage = "critical,digitalSignature", .version = "00", __VA_ARGS__                    \
    }

/* A field that a case names again is meant to win over the sound one. */
#pragma GCC diagnostic ignored "-Woverride-init"
static const struct recipe recipes[] = {
    SOUND(),
    SOUND(.version = NULL),
    SOUND(.leaf_usage = NULL),
    SOUND(.ca_usage = NULL),
    SOUND(.is_expired = true),
    SOUND(.because = "certificate authority: its key is not EC P-256", .ca_curve = "P-384"),
    SOUND(.because = "certificate authority: its key is not EC P-256", .ca_curve = "secp256k1"),
    SOUND(.because = "certificate authority: its key is not EC P-256", .ca_curve = NULL),
    SOUND(.because = "certificate authority: its key is not EC P-256", .is_explicit = true),
    SOUND(.because = "certificate authority: its key is not EC P-256", .point = "hybrid"),
    SOUND(.because = "certificate authority: its key is not EC P-256", .point = "compressed"),
    SOUND(.because = "leaf: its key is not EC P-256", .leaf_curve = "secp256k1"),
    SOUND(.because = "leaf: its key is not EC P-256", .leaf_curve = NULL),
    SOUND(.because = "not signed by the authority", .hash = "SHA1"),
    SOUND(.because = "no authority's", .ca_usage = "critical,digitalSignature"),
    SOUND(.because = "no authority's", .ca_constraints = "critical,CA:FALSE"),
    SOUND(.because = "no authority's", .ca_constraints = NULL),
    SOUND(.because = "not for signatures", .leaf_usage = "critical,keyEncipherment"),
    SOUND(.because = "version is not 0", .version = "01"),
    SOUND(.because = "version is not 0", .version = "0000"),
};

static void odd_chains_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < SCB_LENGTH(recipes); i++) {
        const char *because = recipes[i].because;
        SCB_AUTO(buffer) struct scb_buffer pem = {.max = SCB_IDENTITY_MAX_FILE};
        SCB_AUTO(identity) struct scb_identity *identity = NULL;
        struct scb_error error = {0};
        cook(&recipes[i], &pem);
        enum scb_status status = scb_identity_parse(scb_buffer_bytes(&pem), &identity, &error);
        if (because == NULL
                ? status != SCB_OK
                : status != SCB_ERROR_VALIDATION || strstr(error.message, because) == NULL)
            fail_msg("%zu, %s: %d %s", i, because, (int)status, error.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(odd_chains_are_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
