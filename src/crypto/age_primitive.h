/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few cryptographic steps that the age format is made of, on OpenSSL: ChaCha20-Poly1305,
 * HKDF-SHA-256, HMAC-SHA-256, X25519, scrypt, random bytes. For crypto/age_* alone; which of them
 * is used where is theirs.
 */
#ifndef SCB_CRYPTO_AGE_PRIMITIVE_H
#define SCB_CRYPTO_AGE_PRIMITIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scb/entry.h"
#include "scb/error.h"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */

/* All in bytes. */
enum {
    SCB_AGE_KEY_SIZE = 32,      /* keys of X25519, ChaCha20-Poly1305 and HMAC, and the MAC */
    SCB_AGE_FILE_KEY_SIZE = 16, /* what the stanzas wrap */
    SCB_AGE_NONCE_SIZE = 12,
    SCB_AGE_TAG_SIZE = 16,
    SCB_AGE_WRAPPED_SIZE = SCB_AGE_FILE_KEY_SIZE + SCB_AGE_TAG_SIZE,
};

/*
 * What of OpenSSL is looked up or set up once and used for many files, by one thread at a time.
 * {0} is closed.
 */
struct scb_age_kit {
    struct evp_cipher_ctx_st *sealer; /* ChaCha20-Poly1305, encrypting */
    struct evp_cipher_ctx_st *opener; /* decrypting */
    struct evp_kdf_st *hkdf;
    struct evp_mac_st *hmac;
};

/* ResourceError where OpenSSL lacks one of them; close it all the same. */
SCB_MUST_CHECK enum scb_status scb_age_kit_open(struct scb_age_kit *kit, struct scb_error *error);
/* Overwrites the last keys that it has used. */
void scb_age_kit_forget(struct scb_age_kit *kit);
/* Forgets and frees; leaves {0}. */
void scb_age_kit_close(struct scb_age_kit *kit);

/* What seals one message. A pair of both is used for one message only. */
struct scb_age_box_key {
    uint8_t key[SCB_AGE_KEY_SIZE];
    uint8_t nonce[SCB_AGE_NONCE_SIZE];
};

/* ChaCha20-Poly1305: text.size + SCB_AGE_TAG_SIZE bytes into out. */
SCB_MUST_CHECK enum scb_status scb_age_seal(struct scb_age_kit *kit,
                                            const struct scb_age_box_key *key,
                                            struct scb_bytes text, uint8_t *out,
                                            struct scb_error *error);
/*
 * The way back: sealed.size - SCB_AGE_TAG_SIZE bytes into out, sealed.size being no less than the
 * tag's. False, with out wiped, where it is not what was sealed.
 */
SCB_MUST_CHECK bool scb_age_open(struct scb_age_kit *kit, const struct scb_age_box_key *key,
                                 struct scb_bytes sealed, uint8_t *out);

/* What goes into a derived key. The salt may be empty. */
struct scb_age_derivation {
    struct scb_bytes secret; /* HKDF's input keying material */
    struct scb_bytes salt;
    const char *info;
};

/* HKDF-SHA-256 (RFC 5869), extract and expand in one. */
SCB_MUST_CHECK enum scb_status scb_age_derive(struct scb_age_kit *kit,
                                              const struct scb_age_derivation *derivation,
                                              uint8_t ret_key[SCB_AGE_KEY_SIZE],
                                              struct scb_error *error);
SCB_MUST_CHECK enum scb_status
scb_age_hmac(struct scb_age_kit *kit, const uint8_t key[SCB_AGE_KEY_SIZE], struct scb_bytes text,
             uint8_t ret_mac[SCB_AGE_KEY_SIZE], struct scb_error *error);

/* The key pair of a secret, to be freed with EVP_PKEY_free, which wipes it. */
SCB_MUST_CHECK enum scb_status scb_age_secret_new(const uint8_t secret[SCB_AGE_KEY_SIZE],
                                                  struct evp_pkey_st **ret_pair,
                                                  uint8_t ret_public[SCB_AGE_KEY_SIZE],
                                                  struct scb_error *error);
/* The same of fresh random bytes. */
SCB_MUST_CHECK enum scb_status scb_age_secret_random(struct evp_pkey_st **ret_pair,
                                                     uint8_t ret_public[SCB_AGE_KEY_SIZE],
                                                     struct scb_error *error);
/* Another's public key, to be freed with EVP_PKEY_free. Any 32 bytes are one. */
SCB_MUST_CHECK enum scb_status scb_age_public_new(const uint8_t public[SCB_AGE_KEY_SIZE],
                                                  struct evp_pkey_st **ret_key,
                                                  struct scb_error *error);
/*
 * X25519 (RFC 7748). *ret_low, with ret_shared wiped, where the shared secret is all zeros, which
 * the other side has brought about with a point of low order. The caller wipes ret_shared.
 */
SCB_MUST_CHECK enum scb_status scb_age_x25519(struct evp_pkey_st *pair, struct evp_pkey_st *peer,
                                              bool *ret_low, uint8_t ret_shared[SCB_AGE_KEY_SIZE],
                                              struct scb_error *error);

/* The highest work factor there is: scrypt's N as a power of two, 4 GiB of memory. */
enum { SCB_AGE_MAX_WORK = 22 };

/* scrypt (RFC 7914) with N = 2^work, r = 8, p = 1. ResourceError where memory lacks. */
SCB_MUST_CHECK enum scb_status scb_age_scrypt(struct scb_bytes passphrase, struct scb_bytes salt,
                                              unsigned work, uint8_t ret_key[SCB_AGE_KEY_SIZE],
                                              struct scb_error *error);

#endif
