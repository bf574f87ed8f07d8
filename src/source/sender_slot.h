/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One transaction on its way, and the calls that move it on. sender.c says when, this how; not for
 * others.
 */
#ifndef SCB_SOURCE_SENDER_SLOT_H
#define SCB_SOURCE_SENDER_SLOT_H

#include <pthread.h>

#include "source/sender.h"

struct sender;

/* A call whose end is told to the sender's thread. */
struct pending {
    struct scb_rpc_call call;
    struct scb_buffer params;
    struct sender *sender;
    bool under_way; /* the sender's thread's own */
    bool answered;  /* under the sender's lock */
};

enum stage {
    STAGE_ESTIMATING, /* being simulated */
    STAGE_ESTIMATED,  /* waits for its turn to be signed */
    STAGE_SIGNED,     /* recorded; to be sent */
    STAGE_SENDING,
    STAGE_POOLED, /* the node has it */
    STAGE_ASKING, /* for its receipt */
    STAGE_SETTLED,
};

enum { MAX_VERSIONS = 16 };

struct slot {
    enum stage stage;
    uint64_t index;
    struct scb_buffer data, fallback, raw;
    bool used_fallback;
    bool legacy; /* what was last signed of it is no EIP-1559 transaction */
    uint64_t gas_limit, nonce;
    scb_wei max_fee, priority_fee;
    scb_wei most_fee; /* the highest max_fee of its versions: any of them may be mined */
    scb_wei cost;     /* when it is settled */
    uint8_t hashes[MAX_VERSIONS][SCB_TRANSACTION_HASH_SIZE];
    size_t versions, asked; /* how many there are; the one whose receipt is asked for */
    unsigned misses;        /* no receipt although its nonce is used */
    unsigned repeats;       /* sent again as it was */
    int64_t sent_ms, not_before_ms;
    struct pending pending;
};

struct sender {
    const struct scb_sender_settings *settings;
    struct scb_fees fees;
    int64_t fees_ms; /* when they were asked for */
    struct slot *slots;
    uint64_t first, next_to_sign, end; /* slot number n is slots[n % window] */
    uint64_t next_nonce, mined_nonce;
    size_t bytes; /* of calls on their way */
    bool no_more; /* items */
    bool one_by_one;
    struct pending count; /* asks how many are mined */
    int64_t poll_ms, next_poll_ms;
    int64_t moved_ms; /* when a transaction was last mined, or none was on its way */
    int64_t back_ms;  /* since when the account's nonce is lower than it was; 0 = it is not */
    int64_t noted_ms; /* when the node's unwillingness was last noted */
    struct scb_sender_totals totals;
    pthread_mutex_t lock;
    pthread_cond_t answered;
    struct scb_error *error;
};

int64_t scb_sender_now(const struct sender *sender);

/* Starts a call; its params are in pending->params. order: of several waiting ones the lowest goes
 * first. */
void scb_pending_start(struct pending *pending, const char *method, uint64_t order);
void scb_pending_free(struct pending *pending);

SCB_MUST_CHECK enum scb_status scb_slot_begin(struct sender *sender, struct slot *slot,
                                              const struct scb_send_item *item);
/* The transaction's part of the budget while it is not known what it costs. */
scb_wei scb_slot_reserved(const struct slot *slot);
bool scb_slot_is_on_its_way(const struct slot *slot);
/* What has been spent and what is on its way, at most; without a slot, or NULL. */
scb_wei scb_sender_committed(const struct sender *sender, const struct slot *except);
/* Fills in what a transaction is recorded with: what those before it have cost. */
void scb_sender_tell_spent(const struct sender *sender, struct scb_signed *made);
/* Signs with the slot's nonce and fees; *ret_signed is what is to be recorded. */
SCB_MUST_CHECK enum scb_status scb_slot_sign(struct sender *sender, struct slot *slot,
                                             struct scb_signed *ret_signed);
SCB_MUST_CHECK enum scb_status scb_slot_send(struct sender *sender, struct slot *slot,
                                             uint64_t order);
SCB_MUST_CHECK enum scb_status scb_slot_ask_receipt(struct sender *sender, struct slot *slot);
/* Offers more for gas, where the chain wants more or must_pay is set: signs and records anew.
 * ResourceError where more is not allowed. */
SCB_MUST_CHECK enum scb_status scb_slot_replace(struct sender *sender, struct slot *slot,
                                                bool must_pay);
/* Takes the node's answer to a transaction that was sent. */
SCB_MUST_CHECK enum scb_status scb_slot_take_send(struct sender *sender, struct slot *slot);

/* Asks what gas costs now, where what is known of it is older than that. */
SCB_MUST_CHECK enum scb_status scb_sender_refresh_fees(struct sender *sender, int64_t max_age_ms);
/* The end of the run for what a call's answer says. */
SCB_MUST_CHECK enum scb_status scb_sender_fail(struct sender *sender,
                                               const struct scb_rpc_call *call);

/* Parameters in three ways: a begin and an end with something between them, or the slot's call and
 * what is in rest behind it. */
SCB_MUST_CHECK enum scb_status scb_params_begin(struct sender *sender, struct pending *pending,
                                                const char *text);
SCB_MUST_CHECK enum scb_status scb_params_end(struct sender *sender, struct pending *pending,
                                              const char *text);
SCB_MUST_CHECK enum scb_status scb_params_call(struct sender *sender, struct slot *slot,
                                               const char *rest);

/* Takes the answer to the slot's call. */
SCB_MUST_CHECK enum scb_status scb_slot_take_answer(struct sender *sender, struct slot *slot);

#endif
