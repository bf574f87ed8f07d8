/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transaction from its signature into a node's pool, and again with a higher fee.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "evm/pool_answer.h"
#include "source/sender_slot.h"

enum {
    POOL_DELAY_MS = 1000, /* before a full pool is tried again */
    ORDER_DELAY_MS = 50,  /* before one that came too early is sent again */
    BUMP = 8,             /* nodes want a tenth more of a replacement; an eighth is more */
    NOTE_MS = 10000,
    FEES_AGE_MS = 3000, /* for so long what gas costs is not asked again */
};

static scb_wei greater(scb_wei a, scb_wei b)
{
    return a > b ? a : b;
}

scb_wei scb_slot_reserved(const struct slot *slot)
{
    return scb_wei_times(slot->gas_limit, greater(slot->max_fee, slot->most_fee));
}

enum scb_status scb_slot_sign(struct sender *sender, struct slot *slot,
                              struct scb_signed *ret_signed)
{
    struct scb_transaction transaction = {.dynamic_fee = sender->fees.dynamic,
                                          .chain_id = sender->settings->chain_id,
                                          .nonce = slot->nonce,
                                          .gas_limit = slot->gas_limit,
                                          .max_fee_per_gas = slot->max_fee,
                                          .priority_fee_per_gas = slot->priority_fee,
                                          .to = sender->settings->to,
                                          .data = scb_buffer_bytes(&slot->data)};
    assert(slot->versions < MAX_VERSIONS);
    uint8_t *hash = slot->hashes[slot->versions];
    enum scb_status status = scb_transaction_sign(&transaction, sender->settings->signer,
                                                  &slot->raw, hash, sender->error);
    if (status != SCB_OK)
        return status;
    slot->versions++;
    slot->legacy = !sender->fees.dynamic;
    slot->most_fee = greater(slot->most_fee, slot->max_fee);
    *ret_signed = (struct scb_signed){.index = slot->index,
                                      .nonce = slot->nonce,
                                      .gas_limit = slot->gas_limit,
                                      .max_fee = slot->max_fee,
                                      .priority_fee = slot->priority_fee,
                                      .raw = scb_buffer_bytes(&slot->raw),
                                      .data = scb_buffer_bytes(&slot->data)};
    memcpy(ret_signed->hash, hash, sizeof(ret_signed->hash));
    scb_sender_tell_spent(sender, ret_signed);
    return SCB_OK;
}

/* For a node that signs by itself. */
static enum scb_status unsigned_params(struct sender *sender, struct slot *slot)
{
    char text[512], fee[SCB_WEI_TEXT_SIZE], priority[SCB_WEI_TEXT_SIZE], fees[256];
    scb_wei_hex(slot->max_fee, fee);
    scb_wei_hex(slot->priority_fee, priority);
    slot->legacy = !sender->fees.dynamic;
    if (sender->fees.dynamic)
        (void)snprintf(fees, sizeof(fees),
                       "\"maxFeePerGas\":\"%s\",\"maxPriorityFeePerGas\":\"%s\"", fee, priority);
    else
        (void)snprintf(fees, sizeof(fees), "\"gasPrice\":\"%s\"", fee);
    (void)snprintf(text, sizeof(text),
                   ",\"nonce\":\"0x%" PRIx64 "\",\"gas\":\"0x%" PRIx64 "\",%s}]", slot->nonce,
                   slot->gas_limit, fees);
    return scb_params_call(sender, slot, text);
}

enum scb_status scb_slot_send(struct sender *sender, struct slot *slot, uint64_t order)
{
    bool is_signed = sender->settings->signer != NULL;
    enum scb_status status = SCB_OK;
    if (is_signed) {
        status = scb_params_begin(sender, &slot->pending, "[");
        if (status == SCB_OK)
            status = scb_chain_append_hex(&slot->pending.params, scb_buffer_bytes(&slot->raw),
                                          sender->error);
        if (status == SCB_OK)
            status = scb_params_end(sender, &slot->pending, "]");
    } else {
        status = unsigned_params(sender, slot);
    }
    if (status != SCB_OK)
        return status;
    slot->stage = STAGE_SENDING;
    slot->sent_ms = scb_sender_now(sender);
    scb_pending_start(&slot->pending, is_signed ? "eth_sendRawTransaction" : "eth_sendTransaction",
                      order);
    return SCB_OK;
}

static enum scb_status sign_and_record(struct sender *sender, struct slot *slot)
{
    if (sender->settings->signer != NULL) {
        struct scb_signed made;
        enum scb_status status = scb_slot_sign(sender, slot, &made);
        if (status == SCB_OK)
            status = sender->settings->record(sender->settings->state, &made, 1, sender->error);
        if (status != SCB_OK)
            return status;
    }
    slot->stage = STAGE_SIGNED;
    return SCB_OK;
}

enum scb_status scb_sender_refresh_fees(struct sender *sender, int64_t max_age_ms)
{
    int64_t now = scb_sender_now(sender);
    if (now - sender->fees_ms < max_age_ms)
        return SCB_OK;
    sender->fees_ms = now;
    return scb_chain_fees(sender->settings->client, sender->settings->max_fee_per_gas,
                          !sender->fees.dynamic, &sender->fees, sender->error);
}

static enum scb_status cannot_pay_more(struct sender *sender, const struct slot *slot, scb_wei fee)
{
    char wanted[SCB_WEI_TEXT_SIZE];
    scb_wei_format(fee, wanted);
    scb_error_set(sender->error, SCB_ERROR_RESOURCE,
                  "transaction %" PRIu64 " of the account is not mined, and %s for a unit of gas "
                  "is over --max-fee-per-gas or --max-total-cost",
                  slot->nonce, wanted);
    return scb_error_hint(sender->error, "raise them and run the same again to go on");
}

/* Whether the budget has room for offering that fee for the slot's gas. */
static bool can_afford(const struct sender *sender, const struct slot *slot, scb_wei fee)
{
    scb_wei its = scb_wei_times(slot->gas_limit, greater(fee, slot->most_fee));
    return scb_wei_plus(scb_sender_committed(sender, slot), its) <=
           sender->settings->max_total_cost;
}

enum scb_status scb_slot_replace(struct sender *sender, struct slot *slot, bool must_pay)
{
    enum scb_status status = scb_sender_refresh_fees(sender, FEES_AGE_MS);
    if (status != SCB_OK)
        return status;
    scb_wei least = scb_wei_plus(slot->max_fee, slot->max_fee / BUMP + 1);
    scb_wei fee = greater(sender->fees.max_fee, least);
    bool allowed = fee <= sender->settings->max_fee_per_gas && slot->versions < MAX_VERSIONS &&
                   sender->settings->signer != NULL && can_afford(sender, slot, fee);
    if (!allowed && must_pay)
        return cannot_pay_more(sender, slot, fee);
    /* It may wait only for those before it, or the node may have dropped it. */
    bool is_next = slot->nonce == sender->mined_nonce && slot->repeats > 0;
    if (!allowed || (!must_pay && sender->fees.max_fee <= slot->max_fee && !is_next)) {
        slot->repeats++;
        slot->stage = STAGE_SIGNED;
        return SCB_OK;
    }
    slot->max_fee = fee;
    slot->priority_fee = greater(sender->fees.priority_fee,
                                 scb_wei_plus(slot->priority_fee, slot->priority_fee / BUMP + 1));
    if (!sender->fees.dynamic || slot->priority_fee > fee)
        slot->priority_fee = fee;
    sender->totals.replaced++;
    return sign_and_record(sender, slot);
}

/* The chain has no EIP-1559 after all. Where it was a legacy one already, there is no other. */
static enum scb_status go_legacy(struct sender *sender, struct slot *slot)
{
    if (slot->legacy || slot->versions == MAX_VERSIONS)
        return scb_sender_fail(sender, &slot->pending.call);
    if (sender->fees.dynamic) {
        sender->fees.dynamic = false;
        sender->fees_ms = INT64_MIN / 2;
        enum scb_status status = scb_sender_refresh_fees(sender, FEES_AGE_MS);
        if (status != SCB_OK)
            return status;
    }
    if (!can_afford(sender, slot, sender->fees.max_fee))
        return cannot_pay_more(sender, slot, sender->fees.max_fee);
    slot->max_fee = slot->priority_fee = sender->fees.max_fee;
    return sign_and_record(sender, slot);
}

static enum scb_status send_later(struct sender *sender, struct slot *slot, int64_t delay_ms)
{
    int64_t now = scb_sender_now(sender);
    if (now - sender->noted_ms >= NOTE_MS) {
        sender->noted_ms = now;
        sender->settings->note(sender->settings->state, slot->pending.call.error.message);
    }
    slot->stage = STAGE_SIGNED;
    slot->not_before_ms = now + delay_ms;
    return SCB_OK;
}

enum scb_status scb_slot_take_send(struct sender *sender, struct slot *slot)
{
    const struct scb_rpc_call *call = &slot->pending.call;
    slot->stage = STAGE_POOLED;
    if (call->status == SCB_OK && sender->settings->signer == NULL) {
        slot->versions = 1;
        return scb_rpc_data(call->result, "transaction hash", slot->hashes[0],
                            sizeof(slot->hashes[0]), sender->error);
    }
    if (call->status == SCB_OK || call->status == SCB_ERROR_CANCELED)
        return call->status == SCB_OK ? SCB_OK : scb_sender_fail(sender, call);
    switch (scb_pool_classify(call->error.message)) {
    case SCB_POOL_KNOWN:
    case SCB_POOL_NONCE_LOW: /* its receipt will tell whether it was this one */
        return SCB_OK;
    case SCB_POOL_NONCE_HIGH:
        sender->one_by_one = true;
        return send_later(sender, slot, ORDER_DELAY_MS);
    case SCB_POOL_FULL:
        return send_later(sender, slot, POOL_DELAY_MS);
    case SCB_POOL_UNDERPRICED:
        sender->fees_ms = INT64_MIN / 2;
        return scb_slot_replace(sender, slot, true);
    case SCB_POOL_TYPE_UNKNOWN:
        return go_legacy(sender, slot);
    case SCB_POOL_NO_FUNDS:
    case SCB_POOL_OTHER:
        break;
    }
    return scb_sender_fail(sender, call);
}
