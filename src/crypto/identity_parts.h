/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an identity is made of; for the files of this module only.
 */
#ifndef SCB_CRYPTO_IDENTITY_PARTS_H
#define SCB_CRYPTO_IDENTITY_PARTS_H

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/identity.h"

enum { SCB_LEAF, SCB_CA }; /* in certs; above them, maybe, who has signed the authority */

struct scb_identity {
    X509 *certs[SCB_IDENTITY_MAX_CHAIN];
    size_t count;
    EVP_PKEY *key; /* the leaf's private one; NULL where it is not at hand */
    struct scb_node_id node_id;
};

/* Storj's extension for the version of an identity (storj/common, peertls/extensions). */
#define SCB_IDENTITY_VERSION_OID "2.999.2.1"

/*
 * Says that OpenSSL failed at what, with this status; a ResourceError where memory was refused.
 * Empties OpenSSL's queue of errors.
 */
SCB_MUST_CHECK enum scb_status scb_openssl_failed(struct scb_error *error, enum scb_status status,
                                                  const char *what);

/* For PEM: never asks at the terminal for a passphrase. */
int scb_identity_no_passphrase(char *buffer, int size, int writing, void *state);

/* Sets identity's node ID from its authority and checks its certificates. */
SCB_MUST_CHECK enum scb_status scb_identity_check(struct scb_identity *identity,
                                                  struct scb_error *error);

/* The DER of a key's SubjectPublicKeyInfo where it is an EC P-256 one, else a ValidationError. */
enum { SCB_P256_DER_SIZE = 91 };
SCB_MUST_CHECK enum scb_status
scb_p256_of_cert(const X509 *cert, uint8_t ret_der[SCB_P256_DER_SIZE], struct scb_error *error);

/* For SCB_AUTO(bio) BIO *memory = NULL. */
static inline void scb_bio_cleanup(BIO **bio)
{
    (void)BIO_free(*bio);
}

#endif
