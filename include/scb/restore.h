/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Putting a backup back onto a chain: what is asked for, what is planned, what came of it. Amounts
 * are in wei, the smallest part of the chain's own coin.
 */
#ifndef SCB_RESTORE_H
#define SCB_RESTORE_H

#include <stdbool.h>
#include <stdint.h>

#include "scb/error.h"

__extension__ typedef unsigned __int128 scb_wei;

struct scb_signer; /* an account's key: evm/signer */

enum { SCB_RESTORE_SHOWN = 20 };

/* An entry that the contract does not take, named by its index in the backup. */
struct scb_restore_refusal {
    uint64_t index;
    char reason[200];
};

/* The first ones are kept, all are counted. */
struct scb_restore_refusals {
    uint64_t count;
    struct scb_restore_refusal first[SCB_RESTORE_SHOWN];
};

struct scb_restore_plan {
    char backup_date[24];
    uint64_t backup_chain_id, chain_id;
    uint8_t contract[20], account[20];
    uint64_t block_number;        /* the state that was compared with */
    uint64_t total;               /* entries of the backup: */
    uint64_t create, edit, equal; /* and refused.count */
    struct scb_restore_refusals refusals;
    uint64_t only_on_chain;                          /* keys that stay as they are */
    uint64_t only_on_chain_first[SCB_RESTORE_SHOWN]; /* their lowest indexes in the contract */
    bool dynamic_fee;                                /* EIP-1559 */
    uint64_t gas;
    scb_wei gas_price; /* as it is now */
    scb_wei cost;      /* about */
    scb_wei most;      /* if every unit of gas costs the most that is offered */
    scb_wei balance;
};

struct scb_restore_progress {
    const char *what; /* "simulating", "sending", "waiting for confirmations" */
    uint64_t done, total;
    int64_t elapsed_ms;
};

struct scb_restore_options {
    const char *backup_date;         /* NULL: the newest completed one */
    const char *rpc_url;             /* the one endpoint of the target's chain */
    const char *contract;            /* the target's address */
    const struct scb_signer *signer; /* borrowed; NULL with dry_run only */
    const char *version_suffix;      /* for versions that the contract has had already; or "" */
    scb_wei max_fee_per_gas, max_total_cost; /* all ones: no limit */
    int64_t replace_after_ms; /* a transaction that is not mined by then is offered more for */
    bool dry_run;
    /* Shown the plan before anything is sent; anything but SCB_OK ends the restore. */
    enum scb_status (*confirm)(void *state, const struct scb_restore_plan *plan,
                               struct scb_error *error);
    void (*observe)(void *state, const struct scb_restore_progress *progress); /* may be NULL */
    void *state;
};

struct scb_restore_result {
    struct scb_restore_plan plan;
    bool planned; /* plan is set */
    bool done;    /* read back, and equal but for what was refused */
    bool resumed; /* an interrupted restore's transactions were waited for first */
    uint64_t sent, replaced, mined, failed;
    uint64_t gas_used;
    scb_wei cost;
    struct scb_restore_refusals refusals;
    bool unsettled;           /* some never came to be on the chain, though they were sent */
    uint64_t read_back_equal; /* entries, at read_back_block */
    uint64_t read_back_block;
    int64_t sending_ms, duration_ms;
};

/* A drill on a scratch chain: a contract is deployed there, filled and read back. */
struct scb_drill_options {
    const char *backup_date;         /* NULL: the newest completed one */
    const char *rpc_url;             /* of the scratch chain */
    const struct scb_signer *signer; /* NULL: an account of the node's own pays and signs */
    void (*observe)(void *state, const struct scb_restore_progress *progress); /* may be NULL */
    void *state;
};

#endif
