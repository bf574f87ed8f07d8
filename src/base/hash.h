/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fast hash of bytes for tables and comparisons within one run. With a random seed nobody can
 * choose bytes that collide; not for anything that is kept or sent (crypto/digest.h is).
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
