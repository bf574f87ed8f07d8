/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytecode of contracts/KeyValueStore.sol, which the build takes out of its artifact
 * (scripts/embed.py).
 */
#ifndef SCB_JOB_EMBEDDED_CONTRACT_H
#define SCB_JOB_EMBEDDED_CONTRACT_H

#include <stddef.h>

extern const unsigned char scb_embedded_contract[];
extern const size_t scb_embedded_contract_size;

#endif
