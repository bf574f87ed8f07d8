/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a backup back onto a chain: compares it with what the contract holds, plans, asks, sends,
 * and is done when what is read back is equal. It works from the chain's state, so it can be run
 * again after anything; the journal keeps it from sending what an earlier run has sent.
 */
#ifndef SCB_JOB_RESTORE_H
#define SCB_JOB_RESTORE_H

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "evm/address.h"
#include "evm/signer.h"
#include "format/page.h"
#include "job/backup_keys.h"
#include "scb/catalog.h"
#include "scb/error.h"
#include "scb/restore.h"
#include "scb/source.h"
#include "source/rpc_client.h"
#include "store/store.h"

/* All borrowed. */
struct scb_restore_parts {
    const struct scb_store *store;
    struct scb_catalog *catalog;
    struct scb_backup_keys *keys;  /* may be NULL */
    struct scb_rpc_client *client; /* of the target's endpoint, for sending */
    /* Opens the target for reading at a block: "latest" or a number. */
    enum scb_status (*open_target)(void *state, const char *block, struct scb_source **ret_source,
                                   struct scb_error *error);
    void *state;
    struct scb_log *log;
    const struct scb_clock *clock;
    const struct scb_cancel *cancel;
};

struct scb_restore_settings {
    const struct scb_restore_options *options;
    struct scb_address contract;
    struct scb_page_limits limits;
    const char *journal_dir;    /* NULL: none is kept, for a scratch chain */
    bool node_signs;            /* where options->signer is NULL: an account of the node's */
    struct scb_address account; /* that one */
    uint64_t confirmations;
    uint64_t range; /* entries read at once */
    size_t window;  /* reads on their way */
    int64_t range_limit_ms;
    uint64_t memory_limit; /* for what is known of the target's keys */
};

/*
 * IntegrityError where what is read back is not equal: entries that the contract refused, or keys
 * that changed meanwhile. *ret_result says how far it came in any case.
 */
SCB_MUST_CHECK enum scb_status scb_restore_run(const struct scb_restore_parts *parts,
                                               const struct scb_restore_settings *settings,
                                               struct scb_restore_result *ret_result,
                                               struct scb_error *error);

#endif
