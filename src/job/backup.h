/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One backup, from the pinned block to the completed archive: the main story of this program.
 */
#ifndef SCB_JOB_BACKUP_H
#define SCB_JOB_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "crypto/age_recipients.h"
#include "crypto/identity.h"
#include "evm/address.h"
#include "job/page_check.h"
#include "observe/metrics.h"
#include "scb/backup.h"
#include "scb/catalog.h"
#include "scb/error.h"
#include "scb/progress.h"
#include "scb/source.h"
#include "store/store.h"

/* What a backup works with; all borrowed. */
struct scb_backup_parts {
    struct scb_source *source;
    const struct scb_pin *pinned; /* what source is pinned to already; NULL: nothing yet */
    struct scb_store *store;      /* NULL in a dry run */
    struct scb_catalog *catalog;  /* NULL in a dry run */
    struct scb_log *log;
    struct scb_metrics *metrics; /* may be NULL */
    const struct scb_clock *clock;
    const struct scb_cancel *cancel;
    scb_progress_observer observe;
    void *observe_state;
};

struct scb_backup_settings {
    const char *backup_date;
    const char *run_id;   /* is in the row of a failure, as in the log; NULL: none */
    bool must_exist;      /* NotFoundError where there is neither row nor directory of it */
    int64_t lock_wait_ms; /* how long to wait for another process to be done */
    bool resume_only;     /* where it cannot go on at its own block it fails for good */
    struct scb_address contract;
    uint64_t chain_id; /* contract.chain_id; 0 = any */
    const char *block; /* contract.block */
    const char *page_function, *total_function;
    uint64_t page_size; /* keys */
    size_t max_concurrent_pages;
    size_t worker_concurrency;
    size_t memory_limit;
    uint64_t max_backup_file_size;
    struct scb_page_rules rules;
    const struct scb_age_recipients *recipients; /* whom it is encrypted to; nobody: plain */
    const struct scb_identity *identity;         /* signs the manifest; NULL: it is not signed */
    const struct scb_node_ids *trusted;          /* whose archives are taken in; NULL: anybody's */
    int64_t page_deadline_ms;
    int64_t file_operation_timeout_ms; /* that long a busy status database is waited for, too */
    uint64_t quorum;                   /* contract.quorum */
    bool keep_page_files;
};

/* Pins the block and says what would be backed up; touches nothing but the chain. */
SCB_MUST_CHECK enum scb_status scb_backup_plan(const struct scb_backup_parts *parts,
                                               const struct scb_backup_settings *settings,
                                               struct scb_backup_result *ret_result,
                                               struct scb_error *error);

/*
 * Makes the backup, continuing an unfinished one of that date where its block is still served. A
 * completed one is left as it is (already_done). On failure what was finished stays for the next
 * run, and the catalog says why.
 */
SCB_MUST_CHECK enum scb_status scb_backup_run(const struct scb_backup_parts *parts,
                                              const struct scb_backup_settings *settings,
                                              struct scb_backup_result *ret_result,
                                              struct scb_error *error);

/* Whether an unfinished backup was stopped on purpose (130), not by a failure: it goes on later. */
bool scb_backup_was_canceled(const struct scb_backup_record *backup);

#endif
