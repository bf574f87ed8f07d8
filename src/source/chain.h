/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What whoever sends transactions asks a node besides sending them: which chain, what the account
 * has, what gas costs now. Each is one call, waited for.
 */
#ifndef SCB_SOURCE_CHAIN_H
#define SCB_SOURCE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "evm/address.h"
#include "evm/wei.h"
#include "scb/entry.h"
#include "scb/error.h"
#include "source/rpc_client.h"

/* What a transaction is to offer for gas. */
struct scb_fees {
    bool dynamic;             /* EIP-1559; else a gas price, which is max_fee */
    scb_wei expected;         /* what a unit of gas costs in the next block */
    scb_wei priority_fee;     /* of it to the block's maker */
    scb_wei max_fee;          /* room for some blocks that get dearer */
    uint64_t block_number;    /* the newest block */
    uint64_t block_gas_limit; /* its */
};

SCB_MUST_CHECK enum scb_status scb_chain_id(struct scb_rpc_client *client, uint64_t *ret_id,
                                            struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_chain_block_number(struct scb_rpc_client *client,
                                                      uint64_t *ret_number,
                                                      struct scb_error *error);
/* The account's next nonce: by what is mined, or (pending) by what the node's pool holds too. */
SCB_MUST_CHECK enum scb_status scb_chain_nonce(struct scb_rpc_client *client,
                                               const struct scb_address *account, bool pending,
                                               uint64_t *ret_nonce, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_chain_balance(struct scb_rpc_client *client,
                                                 const struct scb_address *account,
                                                 scb_wei *ret_balance, struct scb_error *error);

/*
 * Asks what gas costs. No fee is over cap (SCB_WEI_MAX: none); ResourceError where the chain wants
 * more than that. legacy: a gas price even where the chain has base fees.
 */
SCB_MUST_CHECK enum scb_status scb_chain_fees(struct scb_rpc_client *client, scb_wei cap,
                                              bool legacy, struct scb_fees *ret_fees,
                                              struct scb_error *error);

/* The address that a view function without arguments gives ("owner()"); *ret_has is false where
 * the contract has no such function. */
SCB_MUST_CHECK enum scb_status scb_chain_address_of(struct scb_rpc_client *client,
                                                    const struct scb_address *contract,
                                                    const char *function, bool *ret_has,
                                                    struct scb_address *ret_address,
                                                    struct scb_error *error);
/* The first account that the node itself signs for; *ret_has is false where there is none. */
SCB_MUST_CHECK enum scb_status scb_chain_own_account(struct scb_rpc_client *client, bool *ret_has,
                                                     struct scb_address *ret_account,
                                                     struct scb_error *error);

/* Appends bytes as "0x…" with its quotes. */
SCB_MUST_CHECK enum scb_status scb_chain_append_hex(struct scb_buffer *out, struct scb_bytes bytes,
                                                    struct scb_error *error);

#endif
