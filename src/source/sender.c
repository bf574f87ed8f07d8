/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: one loop on the caller's thread over a ring of slots. An item is simulated as soon as it
 * is in the ring; nonces are given, and transactions signed, in the order of the items; all that
 * can be signed at once are recorded at once, then sent. One call asks how many of the account's
 * transactions are mined, and only of those are receipts asked for.
 */
#include "source/sender.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "source/sender_slot.h"

enum {
    MAX_BYTES = 8 << 20, /* of calls on their way, each of them in some four forms */
    MIN_POLL_MS = 10,
    MAX_POLL_MS = 1000,
    LEAST_PATIENCE_MS = 1000,
    BACK_MS = 5000,      /* longer than a backend lags behind the others */
    FEES_AGE_MS = 12000, /* new transactions offer what gas costs about now */
};

int64_t scb_sender_now(const struct sender *sender)
{
    return scb_clock_monotonic_ms(sender->settings->clock);
}

static struct slot *slot_at(const struct sender *sender, uint64_t number)
{
    return &sender->slots[number % sender->settings->window];
}

/* Takes items in as long as there is room, and moves the ring's begin over what is settled. */
static enum scb_status fill(struct sender *sender)
{
    const struct scb_sender_settings *settings = sender->settings;
    while (sender->first < sender->end && slot_at(sender, sender->first)->stage == STAGE_SETTLED)
        sender->first++;
    if (sender->next_to_sign < sender->first)
        sender->next_to_sign = sender->first;
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && !sender->no_more && sender->end - sender->first < settings->window &&
           sender->bytes < MAX_BYTES) {
        struct scb_send_item item = {0};
        bool more = false;
        status = settings->next(settings->state, &more, &item, sender->error);
        sender->no_more = !more;
        if (status == SCB_OK && more)
            status = scb_slot_begin(sender, slot_at(sender, sender->end++), &item);
    }
    return status;
}

bool scb_slot_is_on_its_way(const struct slot *slot)
{
    return slot->stage >= STAGE_SIGNED && slot->stage != STAGE_SETTLED;
}

static scb_wei spent(const struct sender *sender)
{
    return scb_wei_plus(sender->settings->spent_before,
                        scb_wei_plus(sender->totals.cost, sender->totals.cost_unseen));
}

scb_wei scb_sender_committed(const struct sender *sender, const struct slot *except)
{
    scb_wei sum = spent(sender);
    for (uint64_t i = sender->first; i < sender->end; i++) {
        const struct slot *slot = slot_at(sender, i);
        if (slot != except && scb_slot_is_on_its_way(slot))
            sum = scb_wei_plus(sum, scb_slot_reserved(slot));
    }
    return sum;
}

static uint64_t count_on_their_way(const struct sender *sender)
{
    uint64_t count = 0;
    for (uint64_t i = sender->first; i < sender->end; i++)
        count += scb_slot_is_on_its_way(slot_at(sender, i));
    return count;
}

void scb_sender_tell_spent(const struct sender *sender, struct scb_signed *made)
{
    bool found = false;
    made->spent = spent(sender);
    made->spent_below = made->nonce;
    for (uint64_t i = sender->first; i < sender->end; i++) {
        const struct slot *slot = slot_at(sender, i);
        if (!found && scb_slot_is_on_its_way(slot) && slot->nonce < made->nonce)
            made->spent_below = slot->nonce;
        found |= scb_slot_is_on_its_way(slot);
        if (found && slot->stage == STAGE_SETTLED) /* it was mined, and is above spent_below */
            made->spent -= slot->cost;
    }
}

static enum scb_status over_budget(struct sender *sender)
{
    char limit[SCB_WEI_TEXT_SIZE], text[SCB_WEI_TEXT_SIZE];
    scb_wei_format(sender->settings->max_total_cost, limit);
    scb_wei_format(spent(sender), text);
    scb_error_set(sender->error, SCB_ERROR_RESOURCE,
                  "%s are spent and the next transaction could pass %s, --max-total-cost or "
                  "what was agreed to",
                  text, limit);
    return scb_error_hint(sender->error,
                          "run the same again with a higher --max-total-cost to go on");
}

/* Whether the next transaction may be signed: within the budget, at the latest when what is on its
 * way has cost less than was put by for it. */
static enum scb_status may_sign(struct sender *sender, struct slot *slot, bool *ret_may)
{
    enum scb_status status = scb_sender_refresh_fees(sender, FEES_AGE_MS);
    if (status != SCB_OK)
        return status;
    slot->max_fee = sender->fees.max_fee;
    slot->priority_fee = sender->fees.priority_fee;
    scb_wei sum = scb_wei_plus(scb_sender_committed(sender, NULL), scb_slot_reserved(slot));
    *ret_may = sum <= sender->settings->max_total_cost;
    return *ret_may || count_on_their_way(sender) > 0 ? SCB_OK : over_budget(sender);
}

/* Signs what is next, gives it its nonce. */
static enum scb_status sign_ready(struct sender *sender)
{
    const struct scb_sender_settings *settings = sender->settings;
    struct scb_signed *made = scb_alloc(settings->window, sizeof(*made), sender->error);
    enum scb_status status = made == NULL ? SCB_ERROR_RESOURCE : SCB_OK;
    size_t count = 0;
    uint64_t from = sender->next_to_sign;
    for (; status == SCB_OK && sender->next_to_sign < sender->end; sender->next_to_sign++) {
        struct slot *slot = slot_at(sender, sender->next_to_sign);
        if (slot->stage == STAGE_ESTIMATING)
            break;
        if (slot->stage != STAGE_ESTIMATED) /* refused, or an earlier run's */
            continue;
        bool may = false;
        status = may_sign(sender, slot, &may);
        if (status != SCB_OK || !may)
            break;
        slot->nonce = sender->next_nonce;
        if (settings->signer != NULL)
            status = scb_slot_sign(sender, slot, &made[count++]);
        if (status != SCB_OK)
            break;
        sender->next_nonce++;
        sender->totals.sent++;
        slot->stage = STAGE_SIGNED;
    }
    if (count > 0 && status == SCB_OK)
        status = settings->record(settings->state, made, count, sender->error);
    /* What is not recorded must not be sent. */
    for (uint64_t i = from; status != SCB_OK && i < sender->next_to_sign; i++)
        if (slot_at(sender, i)->stage == STAGE_SIGNED)
            slot_at(sender, i)->stage = STAGE_ESTIMATED;
    free(made);
    return status;
}

static enum scb_status send_ready(struct sender *sender)
{
    enum scb_status status = SCB_OK;
    bool waits = false;
    for (uint64_t i = sender->first; status == SCB_OK && !waits && i < sender->end; i++) {
        struct slot *slot = slot_at(sender, i);
        if (slot->stage == STAGE_SIGNED && slot->not_before_ms > scb_sender_now(sender))
            break;
        if (slot->stage == STAGE_SIGNED)
            status = scb_slot_send(sender, slot, i);
        waits = sender->one_by_one && slot->stage == STAGE_SENDING;
    }
    return status;
}

/* --- what is mined --- */

/* Asks how many are, where it is time to. */
static enum scb_status poll(struct sender *sender)
{
    int64_t now = scb_sender_now(sender);
    bool any = false;
    for (uint64_t i = sender->first; i < sender->end && !any; i++)
        any = slot_at(sender, i)->stage == STAGE_POOLED;
    if (!any || sender->count.under_way || now < sender->next_poll_ms)
        return SCB_OK;
    char address[SCB_ADDRESS_TEXT_SIZE];
    scb_address_format(&sender->settings->from, address);
    sender->count.params.max = 256;
    scb_buffer_clear(&sender->count.params);
    enum scb_status status =
        scb_buffer_printf(&sender->count.params, sender->error, "[\"%s\",\"latest\"]", address);
    if (status == SCB_OK)
        status = scb_buffer_append(&sender->count.params, "", 1, sender->error);
    if (status == SCB_OK)
        scb_pending_start(&sender->count, "eth_getTransactionCount", 0);
    return status;
}

/* Moves on those that wait to be mined: to their receipts, or to a higher fee. */
static enum scb_status look_after_pooled(struct sender *sender)
{
    enum scb_status status = SCB_OK;
    int64_t now = scb_sender_now(sender);
    for (uint64_t i = sender->first; status == SCB_OK && i < sender->end; i++) {
        struct slot *slot = slot_at(sender, i);
        if (slot->stage != STAGE_POOLED || slot->not_before_ms > now)
            continue;
        if (slot->nonce < sender->mined_nonce)
            status = scb_slot_ask_receipt(sender, slot);
        else if (now - slot->sent_ms >= sender->settings->replace_after_ms)
            status = scb_slot_replace(sender, slot, false);
    }
    return status;
}

/* A nonce that goes back is a backend that lags, or, where it stays so, a reorganisation: what it
 * undid has left the ring, and nothing that follows can be mined before that is. */
static enum scb_status check_back(struct sender *sender, uint64_t mined)
{
    int64_t now = scb_sender_now(sender);
    if (mined >= sender->mined_nonce)
        sender->back_ms = 0;
    else if (sender->back_ms == 0)
        sender->back_ms = now;
    if (sender->back_ms == 0 || now - sender->back_ms < BACK_MS)
        return SCB_OK;
    sender->totals.taken_back = true;
    scb_error_set(sender->error, SCB_ERROR_CONTRACT,
                  "the account's nonce went back from %" PRIu64 " to %" PRIu64
                  ": the chain was reorganised",
                  sender->mined_nonce, mined);
    sender->error->retryable = true;
    return scb_error_hint(sender->error, "run the same again to go on, it sends nothing twice");
}

static enum scb_status take_count(struct sender *sender)
{
    const struct scb_rpc_call *call = &sender->count.call;
    uint64_t mined = 0;
    if (call->status != SCB_OK) {
        *sender->error = call->error;
        return call->status;
    }
    enum scb_status status =
        scb_rpc_quantity(call->result, "eth_getTransactionCount", &mined, sender->error);
    if (status == SCB_OK)
        status = check_back(sender, mined);
    if (status != SCB_OK)
        return status;
    bool moved = mined > sender->mined_nonce;
    int64_t poll_ms = moved ? MIN_POLL_MS : sender->poll_ms * 2;
    sender->poll_ms = poll_ms < MAX_POLL_MS ? poll_ms : MAX_POLL_MS;
    sender->next_poll_ms = scb_sender_now(sender) + sender->poll_ms;
    if (moved) {
        sender->mined_nonce = mined;
        sender->moved_ms = scb_sender_now(sender);
    }
    return look_after_pooled(sender);
}

/* Whatever the node says meanwhile: where none is mined for long, none will be. */
static enum scb_status check_stalled(struct sender *sender)
{
    int64_t now = scb_sender_now(sender);
    int64_t limit_ms = 0;
    if (__builtin_mul_overflow(sender->settings->replace_after_ms, SCB_SENDER_PATIENCE, &limit_ms))
        limit_ms = INT64_MAX;
    if (limit_ms < LEAST_PATIENCE_MS)
        limit_ms = LEAST_PATIENCE_MS;
    uint64_t waiting = count_on_their_way(sender);
    if (waiting == 0)
        sender->moved_ms = now;
    if (now - sender->moved_ms < limit_ms)
        return SCB_OK;
    scb_error_set(sender->error, SCB_ERROR_CONTRACT,
                  "none of the %" PRIu64 " transactions on their way was mined for %" PRId64
                  " seconds: the account's nonce is still %" PRIu64,
                  waiting, limit_ms / 1000, sender->mined_nonce);
    sender->error->retryable = true;
    return scb_error_hint(sender->error, "check the node, and what the chain asks for gas; run the "
                                         "same again to go on, it sends nothing twice");
}

/* --- the loop --- */

static bool take_if_answered(struct sender *sender, struct pending *pending)
{
    if (!pending->under_way)
        return false;
    pthread_mutex_lock(&sender->lock);
    bool answered = pending->answered;
    pending->answered = false;
    pthread_mutex_unlock(&sender->lock);
    pending->under_way = !answered;
    return answered;
}

static enum scb_status take_answers(struct sender *sender, bool *ret_any)
{
    enum scb_status status = SCB_OK;
    *ret_any = false;
    for (uint64_t i = sender->first; status == SCB_OK && i < sender->end; i++) {
        struct slot *slot = slot_at(sender, i);
        if (!take_if_answered(sender, &slot->pending))
            continue;
        *ret_any = true;
        status = scb_slot_take_answer(sender, slot);
    }
    if (status == SCB_OK && take_if_answered(sender, &sender->count)) {
        *ret_any = true;
        status = take_count(sender);
    }
    return status;
}

/* Waits for an answer, or until it is time to look again. */
static void wait_for_answer(struct sender *sender)
{
    int64_t end_ms = scb_clock_monotonic_ms(scb_clock_system()) + MIN_POLL_MS;
    pthread_mutex_lock(&sender->lock);
    bool any = sender->count.answered;
    for (uint64_t i = sender->first; i < sender->end && !any; i++)
        any = slot_at(sender, i)->pending.answered;
    if (!any)
        (void)scb_condition_wait(&sender->answered, &sender->lock, end_ms);
    pthread_mutex_unlock(&sender->lock);
}

static enum scb_status loop(struct sender *sender)
{
    enum scb_status status = SCB_OK;
    while (status == SCB_OK) {
        bool any = false;
        status = take_answers(sender, &any);
        if (status == SCB_OK)
            status = fill(sender);
        if (status == SCB_OK && !sender->settings->simulate_only)
            status = sign_ready(sender);
        if (status == SCB_OK)
            status = send_ready(sender);
        if (status == SCB_OK)
            status = poll(sender);
        if (status == SCB_OK)
            status = check_stalled(sender);
        if (sender->no_more && sender->first == sender->end)
            break;
        if (status == SCB_OK && !any)
            wait_for_answer(sender);
    }
    return status;
}

/* Ends the calls that are under way; what they sent stays sent. */
static void drain(struct sender *sender)
{
    scb_rpc_client_cancel(sender->settings->client);
    for (bool left = true; left;) {
        left = sender->count.under_way && !take_if_answered(sender, &sender->count);
        for (uint64_t i = sender->first; i < sender->end; i++) {
            struct pending *pending = &slot_at(sender, i)->pending;
            left |= pending->under_way && !take_if_answered(sender, pending);
        }
        if (left)
            wait_for_answer(sender);
    }
}

static enum scb_status begin(struct sender *sender)
{
    const struct scb_sender_settings *settings = sender->settings;
    sender->slots = scb_alloc(settings->window, sizeof(*sender->slots), sender->error);
    if (sender->slots == NULL)
        return SCB_ERROR_RESOURCE;
    sender->poll_ms = MIN_POLL_MS;
    sender->moved_ms = scb_sender_now(sender);
    sender->noted_ms = INT64_MIN / 2; /* the first one is noted at once */
    if (settings->simulate_only)
        return SCB_OK;
    enum scb_status status = scb_chain_nonce(settings->client, &settings->from, false,
                                             &sender->mined_nonce, sender->error);
    sender->next_nonce = sender->mined_nonce;
    sender->fees_ms = scb_sender_now(sender);
    if (status == SCB_OK)
        status = scb_chain_fees(settings->client, settings->max_fee_per_gas, settings->legacy,
                                &sender->fees, sender->error);
    return status;
}

enum scb_status scb_sender_run(const struct scb_sender_settings *settings,
                               struct scb_sender_totals *ret_totals, struct scb_error *error)
{
    assert(settings->window > 0);
    struct scb_error local = {0};
    struct sender sender = {.settings = settings, .error = error == NULL ? &local : error};
    sender.count.sender = &sender;
    pthread_mutex_init(&sender.lock, NULL);
    scb_condition_init(&sender.answered);
    enum scb_status status = begin(&sender);
    if (status == SCB_OK)
        status = loop(&sender);
    if (status != SCB_OK)
        drain(&sender);
    for (size_t i = 0; sender.slots != NULL && i < settings->window; i++) {
        struct slot *slot = &sender.slots[i];
        scb_pending_free(&slot->pending);
        scb_buffer_free(&slot->data);
        scb_buffer_free(&slot->fallback);
        scb_buffer_free(&slot->raw);
    }
    free(sender.slots);
    scb_pending_free(&sender.count);
    pthread_cond_destroy(&sender.answered);
    pthread_mutex_destroy(&sender.lock);
    *ret_totals = sender.totals;
    return status;
}
