/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <openssl/err.h>

#include "crypto/identity_parts.h"

/* For signing where private is set, with the key given; else for verifying. */
static EVP_PKEY_CTX *begin(EVP_PKEY *key, bool private)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    int began = context == NULL ? 0
                : private       ? EVP_PKEY_sign_init(context)
                                : EVP_PKEY_verify_init(context);
    if (began == 1 && EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1)
        return context;
    EVP_PKEY_CTX_free(context);
    return NULL;
}

enum scb_status scb_identity_sign(const struct scb_identity *identity,
                                  const uint8_t sha256[SCB_SHA256_SIZE],
                                  struct scb_identity_signature *ret_signature,
                                  struct scb_error *error)
{
    assert(identity->key != NULL);
    struct scb_identity_signature signature = {.size = sizeof(signature.der)};
    EVP_PKEY_CTX *context = begin(identity->key, true);
    bool done = context != NULL && EVP_PKEY_sign(context, signature.der, &signature.size, sha256,
                                                 SCB_SHA256_SIZE) == 1;
    EVP_PKEY_CTX_free(context);
    if (!done)
        return scb_openssl_failed(error, SCB_ERROR_INTERNAL, "OpenSSL failed to sign");
    *ret_signature = signature;
    return SCB_OK;
}

enum scb_status scb_identity_verify(const struct scb_identity *identity,
                                    const uint8_t sha256[SCB_SHA256_SIZE],
                                    struct scb_bytes signature, struct scb_error *error)
{
    ERR_clear_error();
    EVP_PKEY_CTX *context = begin(X509_get0_pubkey(identity->certs[SCB_LEAF]), false);
    if (context == NULL)
        return scb_openssl_failed(error, SCB_ERROR_INTERNAL, "OpenSSL failed to verify");
    int fits = EVP_PKEY_verify(context, signature.data, signature.size, sha256, SCB_SHA256_SIZE);
    EVP_PKEY_CTX_free(context);
    if (fits == 1)
        return SCB_OK;
    return scb_openssl_failed(error, SCB_ERROR_INTEGRITY, "the signature is wrong");
}
