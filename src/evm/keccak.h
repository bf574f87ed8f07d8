/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keccak-256 as Ethereum uses it: the Keccak submission's padding (0x01), not SHA-3's (FIPS 202).
 * Used for selectors and addresses, so it is written to be read, not to be fast.
 */
#ifndef SCB_EVM_KECCAK_H
#define SCB_EVM_KECCAK_H

#include <stddef.h>
#include <stdint.h>

enum { SCB_KECCAK256_SIZE = 32 };

void scb_keccak256(const void *data, size_t size, uint8_t ret_hash[SCB_KECCAK256_SIZE]);

#endif
