/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/identity.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "base/text.h"
#include "crypto/identity_parts.h"

/* RFC 5480: an uncompressed point of the named curve secp256r1; the point's 64 bytes follow. */
static const uint8_t p256_head[] = {0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
                                    0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04};

enum scb_status scb_openssl_failed(struct scb_error *error, enum scb_status status,
                                   const char *what)
{
    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error())
        if (ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE)
            status = SCB_ERROR_RESOURCE;
    return scb_error_set(error, status, "%s%s", what,
                         status == SCB_ERROR_RESOURCE ? ": no memory" : "");
}

int scb_identity_no_passphrase(char *buffer, int size, int writing, void *state)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)state;
    return -1;
}

enum scb_status scb_p256_of_cert(const X509 *cert, uint8_t ret_der[SCB_P256_DER_SIZE],
                                 struct scb_error *error)
{
    uint8_t *der = NULL;
    int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    if (size < 0)
        return scb_openssl_failed(error, SCB_ERROR_VALIDATION, "no public key");
    bool is_p256 = size == SCB_P256_DER_SIZE && memcmp(der, p256_head, sizeof(p256_head)) == 0;
    if (is_p256)
        memcpy(ret_der, der, SCB_P256_DER_SIZE);
    OPENSSL_free(der);
    if (!is_p256)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "its key is not EC P-256");
    return X509_get0_pubkey(cert) != NULL
               ? SCB_OK
               : scb_openssl_failed(error, SCB_ERROR_VALIDATION, "its key is no point of P-256");
}

/* Storj's identities without the extension are of version 0. */
static enum scb_status check_version(const X509 *ca, struct scb_error *error)
{
    static const uint8_t version = SCB_NODE_ID_VERSION;
    ASN1_OBJECT *oid = OBJ_txt2obj(SCB_IDENTITY_VERSION_OID, 1);
    if (oid == NULL)
        return scb_openssl_failed(error, SCB_ERROR_RESOURCE, "version");
    int at = X509_get_ext_by_OBJ(ca, oid, -1);
    ASN1_OBJECT_free(oid);
    if (at < 0)
        return SCB_OK;
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_get_ext(ca, at));
    if (ASN1_STRING_length(value) == 1 &&
        memcmp(ASN1_STRING_get0_data(value), &version, sizeof(version)) == 0)
        return SCB_OK;
    return scb_error_set(error, SCB_ERROR_VALIDATION, "the identity's version is not %d",
                         SCB_NODE_ID_VERSION);
}

static bool is_issued(X509 *cert, X509 *issuer)
{
    return X509_check_issued(issuer, cert) == X509_V_OK &&
           X509_get_signature_nid(cert) == NID_ecdsa_with_SHA256 &&
           X509_verify(cert, X509_get0_pubkey(issuer)) == 1;
}

/* Each by the next one, the last by itself, as Storj has it; so no bit is left unsigned. */
static enum scb_status check_signed(const struct scb_identity *identity, struct scb_error *error)
{
    for (size_t i = 1; i < identity->count; i++)
        if (X509_check_ca(identity->certs[i]) != 1)
            return scb_openssl_failed(error, SCB_ERROR_VALIDATION,
                                      "a certificate after the first is no authority's");
    if (!is_issued(identity->certs[SCB_LEAF], identity->certs[SCB_CA]))
        return scb_openssl_failed(error, SCB_ERROR_VALIDATION,
                                  "the leaf is not signed by the authority after it");
    for (size_t i = 1; i < identity->count; i++)
        if (!is_issued(identity->certs[i], identity->certs[i + 1 < identity->count ? i + 1 : i]))
            return scb_openssl_failed(error, SCB_ERROR_VALIDATION,
                                      "an authority is signed neither by the next nor, as the "
                                      "last one, by itself");
    if ((X509_get_key_usage(identity->certs[SCB_LEAF]) & KU_DIGITAL_SIGNATURE) == 0)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "the leaf is not for signatures");
    return SCB_OK;
}

enum scb_status scb_identity_check(struct scb_identity *identity, struct scb_error *error)
{
    uint8_t der[SCB_P256_DER_SIZE];
    enum scb_status status = scb_p256_of_cert(identity->certs[SCB_LEAF], der, error);
    if (status != SCB_OK) {
        (void)scb_error_wrap(error, "leaf");
        return status;
    }
    status = scb_p256_of_cert(identity->certs[SCB_CA], der, error);
    if (status != SCB_OK) {
        (void)scb_error_wrap(error, "certificate authority");
        return status;
    }
    status = check_version(identity->certs[SCB_CA], error);
    if (status == SCB_OK)
        status = check_signed(identity, error);
    if (status == SCB_OK)
        status =
            scb_node_id_of_key((struct scb_bytes){der, sizeof(der)}, &identity->node_id, error);
    return status;
}

/* The next certificate, NULL at the end; other things between them are passed over. */
static enum scb_status read_cert(BIO *pem, X509 **ret_cert, struct scb_error *error)
{
    ERR_clear_error();
    X509 *cert = PEM_read_bio_X509(pem, NULL, scb_identity_no_passphrase, NULL);
    unsigned long code = ERR_peek_last_error();
    if (cert == NULL &&
        (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE))
        return scb_openssl_failed(error, SCB_ERROR_VALIDATION, "a broken certificate");
    ERR_clear_error();
    *ret_cert = cert;
    return SCB_OK;
}

static enum scb_status read_chain(struct scb_identity *identity, BIO *pem, struct scb_error *error)
{
    X509 *cert = NULL;
    enum scb_status status = read_cert(pem, &cert, error);
    while (status == SCB_OK && cert != NULL && identity->count < SCB_IDENTITY_MAX_CHAIN) {
        identity->certs[identity->count++] = SCB_TAKE(cert);
        status = read_cert(pem, &cert, error);
    }
    if (status == SCB_OK && cert != NULL)
        status = scb_error_set(error, SCB_ERROR_VALIDATION, "more than %d certificates",
                               SCB_IDENTITY_MAX_CHAIN);
    else if (status == SCB_OK && identity->count < 2)
        status = scb_error_set(error, SCB_ERROR_VALIDATION,
                               "%zu certificates, not a leaf and its authority", identity->count);
    X509_free(cert);
    return status;
}

enum scb_status scb_identity_parse(struct scb_bytes pem, struct scb_identity **ret_identity,
                                   struct scb_error *error)
{
    if (pem.size > SCB_IDENTITY_MAX_FILE)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "certificates of over %d bytes",
                             SCB_IDENTITY_MAX_FILE);
    SCB_AUTO(identity)
    struct scb_identity *identity = scb_alloc(1, sizeof(*identity), error);
    if (identity == NULL)
        return SCB_ERROR_RESOURCE;
    SCB_AUTO(bio)
    BIO *bio = BIO_new_mem_buf(pem.size > 0 ? pem.data : (const void *)"", (int)pem.size);
    if (bio == NULL)
        return scb_openssl_failed(error, SCB_ERROR_RESOURCE, "certificates");
    enum scb_status status = read_chain(identity, bio, error);
    if (status == SCB_OK)
        status = scb_identity_check(identity, error);
    ERR_clear_error();
    if (status == SCB_OK)
        *ret_identity = SCB_TAKE(identity);
    return status;
}

void scb_identity_free(struct scb_identity *identity)
{
    if (identity == NULL)
        return;
    for (size_t i = 0; i < SCB_LENGTH(identity->certs); i++)
        X509_free(identity->certs[i]);
    EVP_PKEY_free(identity->key); /* wipes it */
    free(identity);
}

void scb_identity_cleanup(struct scb_identity **identity)
{
    scb_identity_free(*identity);
}

const struct scb_node_id *scb_identity_node_id(const struct scb_identity *identity)
{
    return &identity->node_id;
}

enum scb_status scb_identity_pem(const struct scb_identity *identity, struct scb_buffer *out,
                                 struct scb_error *error)
{
    char *text = NULL;
    SCB_AUTO(bio) BIO *bio = BIO_new(BIO_s_mem());
    bool done = bio != NULL;
    for (size_t i = 0; i < identity->count; i++)
        done = done && PEM_write_bio_X509(bio, identity->certs[i]) == 1;
    if (!done)
        return scb_openssl_failed(error, SCB_ERROR_RESOURCE, "certificates not written as PEM");
    long size = BIO_get_mem_data(bio, &text);
    return scb_buffer_append(out, text, (size_t)size, error);
}

/* Not strftime: it leaves zeros in front of Storj's year 1 out. */
static void format_time(const ASN1_TIME *time, char *ret_text, size_t size)
{
    struct tm parts = {0};
    if (ASN1_TIME_to_tm(time, &parts) != 1)
        (void)snprintf(ret_text, size, "%s", "unknown");
    else
        (void)snprintf(ret_text, size, "%04u-%02u-%02uT%02u:%02u:%02uZ",
                       (unsigned)(parts.tm_year + 1900) % 10000, (unsigned)(parts.tm_mon + 1) % 100,
                       (unsigned)parts.tm_mday % 100, (unsigned)parts.tm_hour % 100,
                       (unsigned)parts.tm_min % 100, (unsigned)parts.tm_sec % 100);
}

enum scb_status scb_identity_describe(const struct scb_identity *identity,
                                      struct scb_identity_view *ret_view, struct scb_error *error)
{
    struct scb_identity_view view = {0};
    uint8_t der[SCB_P256_DER_SIZE], sha256[SCB_SHA256_SIZE];
    enum scb_status status = scb_p256_of_cert(identity->certs[SCB_LEAF], der, error);
    SCB_AUTO(digest) struct scb_digest digest = {0};
    if (status == SCB_OK)
        status = scb_digest_sha256(&digest, (struct scb_bytes){der, sizeof(der)}, sha256, error);
    if (status != SCB_OK)
        return status;
    SCB_AUTO(bio) BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL || X509_NAME_print_ex(bio, X509_get_subject_name(identity->certs[SCB_LEAF]), 0,
                                          XN_FLAG_RFC2253) < 0)
        return scb_openssl_failed(error, SCB_ERROR_RESOURCE, "the leaf's subject not written");
    (void)BIO_read(bio, view.subject, sizeof(view.subject) - 1); /* its text is ASCII */
    format_time(X509_get0_notBefore(identity->certs[SCB_LEAF]), view.not_before,
                sizeof(view.not_before));
    format_time(X509_get0_notAfter(identity->certs[SCB_LEAF]), view.not_after,
                sizeof(view.not_after));
    scb_text_hex(sha256, sizeof(sha256), view.key_sha256);
    *ret_view = view;
    return SCB_OK;
}
