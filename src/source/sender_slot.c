/* SPDX-License-Identifier: Apache-2.0 */
#include "source/sender_slot.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "evm/pool_answer.h"

enum {
    MAX_PARAMS = 512 * 1024,
    CALL_DEADLINE_MS = 10 * 60 * 1000,
    MAX_MISSES = 20,     /* a node's receipts may lag behind its count */
    MISS_DELAY_MS = 250, /* between two looks */
    GAS_MARGIN = 8,      /* an eighth over the estimate */
    TRANSACTION_GAS = 1 << 24,
    RLP_LIST =
        0xc0, /* what a legacy transaction begins with; of others it is their type (EIP-2718) */
};

/* Sends go first, so that what is signed is not held up by simulations. */
static const uint64_t simulation_order = UINT64_C(1) << 62;

static enum scb_status settle(struct sender *sender, struct slot *slot,
                              struct scb_send_report report)
{
    report.index = slot->index;
    report.used_fallback = slot->used_fallback;
    sender->totals.mined += report.outcome == SCB_SEND_MINED;
    sender->totals.refused += report.outcome == SCB_SEND_REFUSED;
    sender->totals.failed += report.outcome == SCB_SEND_FAILED;
    sender->totals.lost += report.outcome == SCB_SEND_LOST;
    slot->stage = STAGE_SETTLED;
    sender->bytes -= slot->data.size + slot->fallback.size;
    scb_buffer_clear(&slot->data);
    scb_buffer_clear(&slot->fallback);
    return sender->settings->report(sender->settings->state, &report, sender->error);
}

/* --- calls --- */

static bool prepare(struct scb_rpc_call *call, size_t endpoint, struct scb_buffer *params)
{
    (void)endpoint;
    const struct pending *pending = call->owner;
    return scb_buffer_append(params, pending->params.data, pending->params.size, NULL) == SCB_OK;
}

static void done(struct scb_rpc_call *call)
{
    struct pending *pending = call->owner;
    struct sender *sender = pending->sender;
    pthread_mutex_lock(&sender->lock);
    pending->answered = true;
    pthread_cond_signal(&sender->answered);
    pthread_mutex_unlock(&sender->lock);
}

void scb_pending_start(struct pending *pending, const char *method, uint64_t order)
{
    struct sender *sender = pending->sender;
    struct scb_rpc_call *call = &pending->call;
    json_decref(SCB_TAKE(call->result));
    call->method = method;
    call->endpoint = SCB_ANY_ENDPOINT;
    call->order = order;
    call->deadline_ms = scb_sender_now(sender) + CALL_DEADLINE_MS;
    call->can_shrink = true; /* what is too heavy is so each time */
    call->owner = pending;
    call->prepare = prepare;
    call->done = done;
    pending->under_way = true;
    scb_rpc_client_submit(sender->settings->client, call);
}

void scb_pending_free(struct pending *pending)
{
    scb_rpc_call_free(&pending->call);
    scb_buffer_free(&pending->params);
}

/* Begins params with text. */
enum scb_status scb_params_begin(struct sender *sender, struct pending *pending, const char *text)
{
    pending->params.max = MAX_PARAMS;
    scb_buffer_clear(&pending->params);
    return scb_buffer_append_text(&pending->params, text, sender->error);
}

/* The last piece, with its NUL. */
enum scb_status scb_params_end(struct sender *sender, struct pending *pending, const char *text)
{
    return scb_buffer_append(&pending->params, text, strlen(text) + 1, sender->error);
}

/* [{"from":…,"to":…,"data":… and what is in rest */
enum scb_status scb_params_call(struct sender *sender, struct slot *slot, const char *rest)
{
    char text[256], from[SCB_ADDRESS_TEXT_SIZE], to[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&sender->settings->from, from);
    int size = snprintf(text, sizeof(text), "[{\"from\":\"%s\",", from);
    if (sender->settings->to != NULL) {
        scb_address_format(sender->settings->to, to);
        (void)snprintf(text + size, sizeof(text) - (size_t)size, "\"to\":\"%s\",", to);
    }
    enum scb_status status = scb_params_begin(sender, &slot->pending, text);
    if (status == SCB_OK)
        status = scb_buffer_append_text(&slot->pending.params, "\"data\":", sender->error);
    if (status == SCB_OK)
        status = scb_chain_append_hex(&slot->pending.params, scb_buffer_bytes(&slot->data),
                                      sender->error);
    if (status == SCB_OK)
        status = scb_params_end(sender, &slot->pending, rest);
    return status;
}

/* --- simulation --- */

static enum scb_status start_estimate(struct sender *sender, struct slot *slot)
{
    enum scb_status status = scb_params_call(sender, slot, "}]");
    if (status != SCB_OK)
        return status;
    slot->stage = STAGE_ESTIMATING;
    scb_pending_start(&slot->pending, "eth_estimateGas", simulation_order);
    return SCB_OK;
}

static enum scb_status copy(struct sender *sender, struct scb_buffer *out, struct scb_bytes bytes)
{
    out->max = SCB_SENDER_MAX_DATA + 1024;
    scb_buffer_clear(out);
    return scb_buffer_append(out, bytes.data, bytes.size, sender->error);
}

/* The newest ones; half of the room is for those that are still to be made. */
static void take_hashes(struct slot *slot, const struct scb_signed *recorded)
{
    const size_t size = sizeof(slot->hashes[0]);
    size_t count = recorded->older.size / size, first = 0;
    if (count > MAX_VERSIONS / 2)
        first = count - MAX_VERSIONS / 2;
    for (size_t i = first; i < count; i++)
        memcpy(slot->hashes[slot->versions++], recorded->older.data + i * size, size);
    memcpy(slot->hashes[slot->versions++], recorded->hash, size);
}

static enum scb_status begin_recorded(struct sender *sender, struct slot *slot,
                                      const struct scb_signed *recorded)
{
    slot->nonce = recorded->nonce;
    slot->gas_limit = recorded->gas_limit;
    slot->max_fee = slot->most_fee = recorded->max_fee;
    slot->priority_fee = recorded->priority_fee;
    take_hashes(slot, recorded);
    slot->legacy = recorded->raw.size > 0 && recorded->raw.data[0] >= RLP_LIST;
    /* What is mined already is only asked for its receipt. */
    slot->stage = slot->nonce < sender->mined_nonce ? STAGE_POOLED : STAGE_SIGNED;
    return copy(sender, &slot->raw, recorded->raw);
}

enum scb_status scb_slot_begin(struct sender *sender, struct slot *slot,
                               const struct scb_send_item *item)
{
    slot->index = item->index;
    slot->used_fallback = slot->legacy = false;
    slot->versions = slot->asked = 0;
    slot->misses = slot->repeats = 0;
    slot->sent_ms = slot->not_before_ms = 0;
    slot->most_fee = slot->cost = 0;
    slot->pending.sender = sender;
    const struct scb_signed *recorded = item->recorded;
    enum scb_status status =
        copy(sender, &slot->data, recorded != NULL ? recorded->data : item->data);
    if (status == SCB_OK)
        status = copy(sender, &slot->fallback, item->fallback);
    sender->bytes += slot->data.size + slot->fallback.size;
    if (status == SCB_OK)
        status = recorded != NULL ? begin_recorded(sender, slot, recorded)
                                  : start_estimate(sender, slot);
    return status;
}

/* The contract, or the node's gas limit, would refuse it; the account's money is another matter. */
static bool is_refusal(const struct scb_rpc_call *call)
{
    return (call->outcome == SCB_RPC_REVERTED || call->outcome == SCB_RPC_REVERTED_EMPTY ||
            call->outcome == SCB_RPC_TOO_HEAVY) &&
           scb_pool_classify(call->error.message) == SCB_POOL_OTHER;
}

static enum scb_status take_fallback(struct sender *sender, struct slot *slot)
{
    struct scb_buffer refused = slot->data;
    sender->bytes -= refused.size;
    slot->data = slot->fallback;
    slot->fallback = refused;
    scb_buffer_clear(&slot->fallback);
    slot->used_fallback = true;
    return start_estimate(sender, slot);
}

static enum scb_status no_funds(struct sender *sender, const struct scb_rpc_call *call)
{
    char address[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&sender->settings->from, address);
    scb_error_set(sender->error, SCB_ERROR_RESOURCE, "account %s: %s", address,
                  call->error.message);
    return scb_error_hint(sender->error, "send the account money for gas and run the same again");
}

enum scb_status scb_sender_fail(struct sender *sender, const struct scb_rpc_call *call)
{
    *sender->error = call->error;
    if (call->status == SCB_ERROR_CANCELED)
        return SCB_ERROR_CANCELED;
    if (scb_pool_classify(call->error.message) == SCB_POOL_NO_FUNDS)
        return no_funds(sender, call);
    (void)scb_error_wrap(sender->error, "%s", call->method);
    return scb_error_hint(sender->error,
                          "check --rpc-url and the node; run the same again to go on");
}

/* The estimate and some more, for the state may change until it is mined; not over what a block,
 * or a transaction (EIP-7825), may have, where the estimate is not. */
static uint64_t with_margin(uint64_t gas, uint64_t block_gas_limit)
{
    uint64_t cap = gas <= TRANSACTION_GAS ? TRANSACTION_GAS : block_gas_limit;
    if (cap > block_gas_limit)
        cap = block_gas_limit;
    uint64_t wanted = gas + gas / GAS_MARGIN;
    if (wanted <= cap)
        return wanted;
    return gas > cap ? gas : cap;
}

static enum scb_status take_estimate(struct sender *sender, struct slot *slot)
{
    const struct scb_rpc_call *call = &slot->pending.call;
    if (call->status != SCB_OK) {
        if (!is_refusal(call))
            return scb_sender_fail(sender, call);
        if (slot->fallback.size > 0)
            return take_fallback(sender, slot);
        return settle(
            sender, slot,
            (struct scb_send_report){.outcome = SCB_SEND_REFUSED, .reason = call->error.message});
    }
    uint64_t gas = 0;
    enum scb_status status = scb_rpc_quantity(call->result, "eth_estimateGas", &gas, sender->error);
    if (status != SCB_OK)
        return status;
    if (sender->settings->simulate_only)
        return settle(sender, slot,
                      (struct scb_send_report){.outcome = SCB_SEND_SIMULATED, .gas = gas});
    slot->gas_limit = with_margin(gas, sender->fees.block_gas_limit);
    slot->stage = STAGE_ESTIMATED;
    return SCB_OK;
}

/* --- receipts --- */

enum scb_status scb_slot_ask_receipt(struct sender *sender, struct slot *slot)
{
    if (slot->versions == 0) /* the node signed it, and its answer was lost */
        return settle(sender, slot, (struct scb_send_report){.outcome = SCB_SEND_MINED});
    if (slot->asked == 0)
        slot->asked = slot->versions;
    struct scb_bytes hash = {slot->hashes[slot->asked - 1], sizeof(slot->hashes[0])};
    enum scb_status status = scb_params_begin(sender, &slot->pending, "[");
    if (status == SCB_OK)
        status = scb_chain_append_hex(&slot->pending.params, hash, sender->error);
    if (status == SCB_OK)
        status = scb_params_end(sender, &slot->pending, "]");
    if (status != SCB_OK)
        return status;
    slot->stage = STAGE_ASKING;
    scb_pending_start(&slot->pending, "eth_getTransactionReceipt", 0);
    return SCB_OK;
}

/* None of this one: an older version of it may be the one that was mined, or the node is late. */
static enum scb_status no_receipt(struct sender *sender, struct slot *slot)
{
    if (--slot->asked > 0)
        return scb_slot_ask_receipt(sender, slot);
    slot->misses += sender->back_ms == 0; /* else it is not mined any more, maybe */
    if (slot->misses >= MAX_MISSES) {
        slot->cost = scb_slot_reserved(slot);
        sender->totals.cost_unseen = scb_wei_plus(sender->totals.cost_unseen, slot->cost);
        return settle(sender, slot, (struct scb_send_report){.outcome = SCB_SEND_LOST});
    }
    slot->stage = STAGE_POOLED;
    slot->not_before_ms = scb_sender_now(sender) + MISS_DELAY_MS;
    return SCB_OK;
}

static enum scb_status take_receipt(struct sender *sender, struct slot *slot)
{
    const struct scb_rpc_call *call = &slot->pending.call;
    if (call->status != SCB_OK)
        return scb_sender_fail(sender, call);
    if (!json_is_object(call->result))
        return no_receipt(sender, slot);
    uint64_t gas = 0, block = 0, worked = 1;
    scb_wei price = slot->max_fee;
    const json_t *said = json_object_get(call->result, "status");
    const json_t *paid = json_object_get(call->result, "effectiveGasPrice");
    const json_t *made = json_object_get(call->result, "contractAddress");
    enum scb_status status =
        scb_rpc_quantity(json_object_get(call->result, "gasUsed"), "gas used", &gas, sender->error);
    if (status == SCB_OK)
        status = scb_rpc_quantity(json_object_get(call->result, "blockNumber"),
                                  "the receipt's block", &block, sender->error);
    if (status == SCB_OK && json_is_string(said)) /* chains of before Byzantium do not say */
        status = scb_rpc_quantity(said, "the receipt's status", &worked, sender->error);
    if (status == SCB_OK && json_is_string(paid))
        status = scb_wei_quantity(paid, "the gas price paid", &price, sender->error);
    struct scb_send_report report = {.outcome = worked ? SCB_SEND_MINED : SCB_SEND_FAILED,
                                     .gas = gas};
    if (status == SCB_OK && json_is_string(made))
        status = scb_rpc_data(made, "the contract's address", report.contract.bytes,
                              sizeof(report.contract.bytes), sender->error);
    if (status != SCB_OK)
        return status;
    sender->totals.gas_used += gas;
    slot->cost = scb_wei_times(gas, price);
    sender->totals.cost = scb_wei_plus(sender->totals.cost, slot->cost);
    if (block > sender->totals.last_block)
        sender->totals.last_block = block;
    return settle(sender, slot, report);
}

enum scb_status scb_slot_take_answer(struct sender *sender, struct slot *slot)
{
    if (slot->stage == STAGE_ESTIMATING)
        return take_estimate(sender, slot);
    if (slot->stage == STAGE_SENDING)
        return scb_slot_take_send(sender, slot);
    return take_receipt(sender, slot);
}
