/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HMAC-SHA-256 (RFC 2104), by OpenSSL: who has the key wrote this. Not for files: see digest.h.
 */
#ifndef SCB_CRYPTO_HMAC_H
#define SCB_CRYPTO_HMAC_H

#include "crypto/digest.h"
#include "scb/entry.h"
#include "scb/error.h"

SCB_MUST_CHECK enum scb_status scb_hmac_sha256(struct scb_bytes key, struct scb_bytes data,
                                               uint8_t ret_mac[SCB_SHA256_SIZE],
                                               struct scb_error *error);

#endif
