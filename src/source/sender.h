/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends calls to one contract as transactions of one account, many on their way at a time, and
 * waits until each is mined. Each is simulated first, for its gas and because one that would be
 * refused costs nothing then. It decides how to send, never what: that is its caller's.
 *
 * Nothing is sent that was not recorded before. Where a transaction has been signed its nonce is
 * its own for good: a second one with the same nonce only replaces it, so at most one is mined.
 */
#ifndef SCB_SOURCE_SENDER_H
#define SCB_SOURCE_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/thread.h"
#include "evm/signer.h"
#include "evm/transaction.h"
#include "scb/entry.h"
#include "scb/error.h"
#include "source/chain.h"
#include "source/rpc_client.h"

enum {
    SCB_SENDER_MAX_DATA = 127 * 1024, /* nodes take no transaction of over 128 KiB */
    SCB_SENDER_PATIENCE = 20,
};

/* A signed transaction, as it is recorded and read back. Bytes are borrowed. */
struct scb_signed {
    uint64_t index; /* its item's */
    uint64_t nonce;
    uint64_t gas_limit;
    scb_wei max_fee, priority_fee;
    uint8_t hash[SCB_TRANSACTION_HASH_SIZE];
    struct scb_bytes raw;
    struct scb_bytes data; /* the part of raw that is the call */
    /* Where it was read back: the hashes, one after the other, of those with this nonce that it
     * replaces. Any of them may be the one that is mined. */
    struct scb_bytes older;
    /* What those with a nonce below this one have cost when it was signed, earlier runs' too. */
    scb_wei spent;
    uint64_t spent_below;
};

/* Something to send. Bytes are borrowed until the next one is asked for. */
struct scb_send_item {
    uint64_t index;            /* what names it to the caller */
    struct scb_bytes data;     /* the call */
    struct scb_bytes fallback; /* the call instead, where that would be refused; or nothing */
    /* An earlier run's: sent as it is. Of several with one nonce the last one counts. */
    const struct scb_signed *recorded;
};

enum scb_send_outcome {
    SCB_SEND_SIMULATED, /* would work; nothing was sent, for that was all that was asked */
    SCB_SEND_MINED,
    SCB_SEND_REFUSED, /* the simulation failed: nothing was sent */
    SCB_SEND_FAILED,  /* mined, but it failed */
    SCB_SEND_LOST,    /* another transaction took its nonce */
};

struct scb_send_report {
    uint64_t index;
    enum scb_send_outcome outcome;
    bool used_fallback;
    const char *reason;          /* of a refusal; borrowed */
    uint64_t gas;                /* estimated where simulated, used where mined */
    struct scb_address contract; /* where it made one */
};

struct scb_sender_settings {
    struct scb_rpc_client *client;   /* of one endpoint; borrowed */
    const struct scb_signer *signer; /* NULL: the node signs for from (a drill's node) */
    struct scb_address from;
    const struct scb_address *to; /* NULL: makes contracts */
    uint64_t chain_id;
    bool simulate_only;
    bool legacy;              /* no EIP-1559, though there are base fees */
    scb_wei max_fee_per_gas;  /* SCB_WEI_MAX: none */
    scb_wei max_total_cost;   /* of what this run sends and the earlier ones have */
    scb_wei spent_before;     /* by the earlier ones */
    size_t window;            /* transactions on their way */
    int64_t replace_after_ms; /* one that is not mined by then is offered more for; and where none
                                 is mined for SCB_SENDER_PATIENCE times that, the run ends */
    const struct scb_clock *clock;
    void *state; /* of the functions below, which are called on the caller's own thread */
    enum scb_status (*next)(void *state, bool *ret_more, struct scb_send_item *ret_item,
                            struct scb_error *error);
    /* Makes a note of transactions that will be sent when it returns SCB_OK: durably. */
    enum scb_status (*record)(void *state, const struct scb_signed *transactions, size_t count,
                              struct scb_error *error);
    enum scb_status (*report)(void *state, const struct scb_send_report *report,
                              struct scb_error *error);
    /* Of a node that takes a transaction only later; not each time. */
    void (*note)(void *state, const char *text);
};

struct scb_sender_totals {
    uint64_t sent;     /* with a nonce of their own */
    uint64_t replaced; /* sent again with a higher fee */
    uint64_t mined, refused, failed, lost;
    uint64_t gas_used;
    scb_wei cost;
    scb_wei cost_unseen; /* of lost ones, at most: their receipts may only be late */
    uint64_t last_block; /* the highest that holds one of them */
    bool taken_back;     /* the run has ended because a reorganisation undid some of them */
};

/*
 * Sends all items and waits for them. ResourceError where the money or --max-total-cost does not
 * suffice, ContractConnectionError where nothing is mined any more or what was mined is not any
 * more, Canceled; what is on its way then stays on its way, and is recorded.
 */
SCB_MUST_CHECK enum scb_status scb_sender_run(const struct scb_sender_settings *settings,
                                              struct scb_sender_totals *ret_totals,
                                              struct scb_error *error);

#endif
