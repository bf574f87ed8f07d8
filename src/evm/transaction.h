/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transactions of two kinds: legacy with the chain's id in the signature (EIP-155), and with a fee
 * of two parts (EIP-1559, type 2). They are made and signed here; sending them is source/sender's.
 */
#ifndef SCB_EVM_TRANSACTION_H
#define SCB_EVM_TRANSACTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "evm/address.h"
#include "evm/signer.h"
#include "evm/wei.h"
#include "scb/entry.h"
#include "scb/error.h"

enum { SCB_TRANSACTION_HASH_SIZE = 32 };

struct scb_transaction {
    bool dynamic_fee; /* EIP-1559, without an access list; else legacy */
    uint64_t chain_id;
    uint64_t nonce;
    uint64_t gas_limit;
    scb_wei max_fee_per_gas; /* the gas price of a legacy one */
    scb_wei priority_fee_per_gas;
    const struct scb_address *to; /* borrowed; NULL: it creates a contract */
    scb_wei value;
    struct scb_bytes data; /* borrowed */
};

/* Signs it and writes it as it is sent to ret_raw (emptied first); its hash names it. */
SCB_MUST_CHECK enum scb_status scb_transaction_sign(const struct scb_transaction *transaction,
                                                    const struct scb_signer *signer,
                                                    struct scb_buffer *ret_raw,
                                                    uint8_t ret_hash[SCB_TRANSACTION_HASH_SIZE],
                                                    struct scb_error *error);

#endif
