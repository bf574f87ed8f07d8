/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fast hash of bytes, for tables and hints. With a random seed nobody can choose bytes that
 * collide; it proves nothing (crypto/digest.h does). Kept on the disk by format/key_index, on
 * little-endian machines: on others it is another one, which finds nothing.
 */
#ifndef SCB_BASE_HASH_H
#define SCB_BASE_HASH_H

#include <stdint.h>

#include "scb/entry.h"
#include "scb/error.h"

/* A seed from the system's random numbers. */
SCB_MUST_CHECK enum scb_status scb_hash_seed(uint64_t *ret_seed, struct scb_error *error);
uint64_t scb_hash(uint64_t seed, struct scb_bytes bytes);

#endif
