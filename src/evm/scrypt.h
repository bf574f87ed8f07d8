/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scrypt (RFC 7914), for keystores. Own, because OpenSSL's refuses n of 2^(16 r) and more, which
 * the RFC forbids and the wallets of many years write all the same (n 262144, r 1).
 */
#ifndef SCB_EVM_SCRYPT_H
#define SCB_EVM_SCRYPT_H

#include <stddef.h>
#include <stdint.h>

#include "scb/entry.h"
#include "scb/error.h"

struct scb_scrypt_cost {
    uint64_t n; /* a power of two, over 1 */
    uint64_t r, p;
};

/* Takes 128 × r × (n + p) bytes of memory; the caller has bounded them. */
SCB_MUST_CHECK enum scb_status scb_scrypt(struct scb_bytes password, struct scb_bytes salt,
                                          const struct scb_scrypt_cost *cost, uint8_t *ret_key,
                                          size_t size, struct scb_error *error);

#endif
