/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One account's private key and what can be done with it: sign. The key leaves this module in no
 * way and is wiped at the end. The curve's arithmetic is libsecp256k1's.
 */
#ifndef SCB_EVM_SIGNER_H
#define SCB_EVM_SIGNER_H

#include <stdint.h>

#include "evm/address.h"
#include "scb/error.h"

enum { SCB_KEY_SIZE = 32 };

struct scb_signer;

/* A recoverable signature: the two numbers, big-endian, and which of the keys that fit it is. */
struct scb_signature {
    uint8_t r[32], s[32];
    int recovery_id; /* 0 or 1 */
};

/* Copies the key; ValidationError where it is none (0, or not below the curve's order). */
SCB_MUST_CHECK enum scb_status scb_signer_new(const uint8_t key[SCB_KEY_SIZE],
                                              struct scb_signer **ret_signer,
                                              struct scb_error *error);
void scb_signer_free(struct scb_signer *signer);
void scb_signer_cleanup(struct scb_signer **signer);

/* The account. Borrowed. */
const struct scb_address *scb_signer_address(const struct scb_signer *signer);

/* Signs a hash; the same hash gives the same signature (RFC 6979), s in its lower half (EIP-2). */
SCB_MUST_CHECK enum scb_status scb_signer_sign(const struct scb_signer *signer,
                                               const uint8_t hash[32],
                                               struct scb_signature *ret_signature,
                                               struct scb_error *error);

#endif
