/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who signs: an X.509 identity in Storj's layout. A certificate authority's key names it (its node
 * ID, crypto/node_id); a leaf, signed by that authority, has the key that signs. All keys are
 * EC P-256.
 *
 * As at Storj, the chain is the whole of it: what is trusted is a node ID, so the dates in the
 * certificates (Storj's are in the year 1) do not count, nor who else has signed the authority.
 * What is signed is a SHA-256; what it is of must show from the bytes themselves, since one key
 * signs documents of more than one kind.
 */
#ifndef SCB_CRYPTO_IDENTITY_H
#define SCB_CRYPTO_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/thread.h"
#include "crypto/digest.h"
#include "crypto/node_id.h"
#include "scb/entry.h"
#include "scb/error.h"

#define SCB_IDENTITY_CERT_NAME "identity.cert"
#define SCB_IDENTITY_KEY_NAME  "identity.key"

enum {
    SCB_IDENTITY_MAX_FILE = 16 * 1024, /* bytes, of a certificate file and of a key file */
    SCB_IDENTITY_MAX_PEM = 20 * 1024,  /* bytes that scb_identity_pem appends at most */
    SCB_IDENTITY_MAX_CHAIN = 4,        /* certificates */
    SCB_IDENTITY_MAX_DIFFICULTY = 40,
    SCB_IDENTITY_MAX_SIGNATURE = 72, /* bytes; two 33-byte numbers in DER */
};

/* Immutable once it is made, so threads may share it. */
struct scb_identity;

/*
 * From the PEM of the leaf, its authority and maybe those above it. ValidationError for what is no
 * such chain: one is not signed by the next, or the last not by itself; an authority that is none;
 * other keys than EC P-256 in the first two; another version than 0. It cannot sign.
 */
SCB_MUST_CHECK enum scb_status scb_identity_parse(struct scb_bytes pem,
                                                  struct scb_identity **ret_identity,
                                                  struct scb_error *error);

/*
 * From Storj's files. With a key_path (else NULL) it can sign: ValidationError where that is not
 * the leaf's key, is under a passphrase, or lies in a file that others may read; of root's files
 * the group may, as PostgreSQL has it and secrets mounted by Kubernetes need it.
 */
SCB_MUST_CHECK enum scb_status scb_identity_load(const char *cert_path, const char *key_path,
                                                 struct scb_identity **ret_identity,
                                                 struct scb_error *error);
void scb_identity_free(struct scb_identity *identity);
void scb_identity_cleanup(struct scb_identity **identity);

/*
 * Makes a new one in a directory, which is made where it is not there: ca.key, ca.cert,
 * identity.key and identity.cert, synced, the keys with mode 0600. FileSystemError where one of
 * them is there already: nothing is ever replaced. Authorities are made until one's node ID has
 * difficulty zero bits at the end (up to SCB_IDENTITY_MAX_DIFFICULTY): 8 takes one, each bit more
 * twice as many, 36, which Storj asks of its nodes, hours. Canceled when cancel, which may be NULL,
 * says so. *ret_identity can sign.
 */
SCB_MUST_CHECK enum scb_status scb_identity_create(const char *directory, unsigned difficulty,
                                                   const struct scb_cancel *cancel,
                                                   struct scb_identity **ret_identity,
                                                   struct scb_error *error);

/* Borrowed. */
const struct scb_node_id *scb_identity_node_id(const struct scb_identity *identity);

/* Appends the chain as PEM, always the same bytes: what identity.cert holds. */
SCB_MUST_CHECK enum scb_status scb_identity_pem(const struct scb_identity *identity,
                                                struct scb_buffer *out, struct scb_error *error);

/* What a person wants to see of the leaf. */
struct scb_identity_view {
    char subject[256];                     /* RFC 2253; "" for none; cut where it is longer */
    char not_before[24], not_after[24];    /* UTC, "2024-01-15T08:30:00Z" */
    char key_sha256[SCB_SHA256_TEXT_SIZE]; /* of the DER of its SubjectPublicKeyInfo */
};

SCB_MUST_CHECK enum scb_status scb_identity_describe(const struct scb_identity *identity,
                                                     struct scb_identity_view *ret_view,
                                                     struct scb_error *error);

/* ECDSA over P-256 in DER (RFC 3279, 2.2.3), as `openssl dgst -sha256 -sign` makes it. */
struct scb_identity_signature {
    uint8_t der[SCB_IDENTITY_MAX_SIGNATURE];
    size_t size;
};

/* Signs what has this SHA-256 (crypto/digest makes it of a stream). The identity has its key. */
SCB_MUST_CHECK enum scb_status scb_identity_sign(const struct scb_identity *identity,
                                                 const uint8_t sha256[SCB_SHA256_SIZE],
                                                 struct scb_identity_signature *ret_signature,
                                                 struct scb_error *error);

/* IntegrityError where the signature is not the leaf's over what has this SHA-256. */
SCB_MUST_CHECK enum scb_status scb_identity_verify(const struct scb_identity *identity,
                                                   const uint8_t sha256[SCB_SHA256_SIZE],
                                                   struct scb_bytes signature,
                                                   struct scb_error *error);

#endif
