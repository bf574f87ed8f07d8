/* SPDX-License-Identifier: Apache-2.0 */
#include "evm/transaction.h"

#include "base/memory.h"
#include "evm/keccak.h"
#include "evm/rlp.h"

enum {
    TYPE_DYNAMIC_FEE = 2,
    LEGACY_V = 35,  /* EIP-155: v is this plus twice the chain's id plus the recovery id */
    OVERHEAD = 512, /* of a signed transaction around its data */
};

static const struct scb_bytes nothing = {(const uint8_t *)"", 0};

/* The items that both kinds have, in the order of both. */
static enum scb_status append_core(struct scb_buffer *out, const struct scb_transaction *tx,
                                   struct scb_error *error)
{
    struct scb_bytes to = nothing;
    if (tx->to != NULL)
        to = (struct scb_bytes){tx->to->bytes, sizeof(tx->to->bytes)};
    enum scb_status status = scb_rlp_append_number(out, tx->gas_limit, error);
    if (status == SCB_OK)
        status = scb_rlp_append_bytes(out, to, error);
    if (status == SCB_OK)
        status = scb_rlp_append_number(out, tx->value, error);
    if (status == SCB_OK)
        status = scb_rlp_append_bytes(out, tx->data, error);
    return status;
}

static enum scb_status append_items(struct scb_buffer *out, const struct scb_transaction *tx,
                                    struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    if (tx->dynamic_fee)
        status = scb_rlp_append_number(out, tx->chain_id, error);
    if (status == SCB_OK)
        status = scb_rlp_append_number(out, tx->nonce, error);
    if (status == SCB_OK && tx->dynamic_fee)
        status = scb_rlp_append_number(out, tx->priority_fee_per_gas, error);
    if (status == SCB_OK)
        status = scb_rlp_append_number(out, tx->max_fee_per_gas, error);
    if (status == SCB_OK)
        status = append_core(out, tx, error);
    if (status == SCB_OK && tx->dynamic_fee) /* the access list */
        status = scb_rlp_append_list(out, nothing, error);
    return status;
}

/* What follows the items: of the signed one its signature; of the one that is hashed for it, where
 * it is legacy, the chain's id and two empty items. */
static enum scb_status append_signature(struct scb_buffer *out, const struct scb_transaction *tx,
                                        const struct scb_signature *signature,
                                        struct scb_error *error)
{
    /* Numbers of 256 bits: zeros in front are no part of them. */
    struct scb_bytes r = nothing, s = nothing;
    scb_wei v = tx->chain_id;
    if (signature != NULL) {
        r = (struct scb_bytes){signature->r, sizeof(signature->r)};
        s = (struct scb_bytes){signature->s, sizeof(signature->s)};
        v = (scb_wei)signature->recovery_id;
        v += tx->dynamic_fee ? 0 : LEGACY_V + 2 * (scb_wei)tx->chain_id;
    } else if (tx->dynamic_fee) {
        return SCB_OK;
    }
    for (; r.size > 0 && r.data[0] == 0; r.size--)
        r.data++;
    for (; s.size > 0 && s.data[0] == 0; s.size--)
        s.data++;
    enum scb_status status = scb_rlp_append_number(out, v, error);
    if (status == SCB_OK)
        status = scb_rlp_append_bytes(out, r, error);
    if (status == SCB_OK)
        status = scb_rlp_append_bytes(out, s, error);
    return status;
}

static enum scb_status encode(const struct scb_transaction *tx,
                              const struct scb_signature *signature, struct scb_buffer *out,
                              struct scb_error *error)
{
    static const uint8_t type = TYPE_DYNAMIC_FEE;
    SCB_AUTO(buffer) struct scb_buffer items = {.max = out->max};
    scb_buffer_clear(out);
    enum scb_status status = append_items(&items, tx, error);
    if (status == SCB_OK)
        status = append_signature(&items, tx, signature, error);
    if (status == SCB_OK && tx->dynamic_fee)
        status = scb_buffer_append(out, &type, 1, error);
    if (status == SCB_OK)
        status = scb_rlp_append_list(out, scb_buffer_bytes(&items), error);
    return status;
}

enum scb_status scb_transaction_sign(const struct scb_transaction *transaction,
                                     const struct scb_signer *signer, struct scb_buffer *ret_raw,
                                     uint8_t ret_hash[SCB_TRANSACTION_HASH_SIZE],
                                     struct scb_error *error)
{
    struct scb_signature signature;
    uint8_t hash[SCB_KECCAK256_SIZE];
    ret_raw->max = transaction->data.size + OVERHEAD;
    enum scb_status status = encode(transaction, NULL, ret_raw, error);
    if (status != SCB_OK)
        return status;
    scb_keccak256(ret_raw->data, ret_raw->size, hash);
    status = scb_signer_sign(signer, hash, &signature, error);
    if (status == SCB_OK)
        status = encode(transaction, &signature, ret_raw, error);
    if (status == SCB_OK)
        scb_keccak256(ret_raw->data, ret_raw->size, ret_hash);
    return status;
}
