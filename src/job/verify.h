/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proves that a completed backup is what was written: archive, pages, manifests, page files and
 * latest/ against each other, against the status database and, where asked, against the chain.
 */
#ifndef SCB_JOB_VERIFY_H
#define SCB_JOB_VERIFY_H

#include "base/clock.h"
#include "base/thread.h"
#include "evm/address.h"
#include "format/page.h"
#include "job/backup_keys.h"
#include "scb/catalog.h"
#include "scb/progress.h"
#include "scb/source.h"
#include "scb/verify.h"
#include "store/store.h"

/* All borrowed. */
struct scb_verify_parts {
    const struct scb_store *store;
    struct scb_catalog *catalog;
    struct scb_source *source;    /* NULL: not against the chain; not pinned */
    struct scb_backup_keys *keys; /* NULL: none, and any signature will do */
    const struct scb_clock *clock;
    const struct scb_cancel *cancel;
    struct scb_verify_observer observer;
    scb_progress_observer observe; /* may be NULL */
    void *observe_state;
};

struct scb_verify_settings {
    struct scb_page_limits limits;
    size_t worker_concurrency;
    size_t memory_limit;
    /* Against the chain: */
    struct scb_address contract;
    size_t max_concurrent_pages;
    int64_t page_deadline_ms;
};

/* Verifies one; the observer is told of it, and *ret_result says what came of it. */
void scb_verify_run(const struct scb_verify_parts *parts,
                    const struct scb_verify_settings *settings, const char *backup_date,
                    struct scb_verify_result *ret_result);

/*
 * The same of a copy of the archive, which lies elsewhere with nothing beside it. That nobody here
 * can decrypt it is said (unseen), and no reason not to call it valid. fd is open for reading;
 * record is of the completed backup.
 */
void scb_verify_copy(const struct scb_verify_parts *parts,
                     const struct scb_verify_settings *settings,
                     const struct scb_backup_record *record, int fd,
                     struct scb_verify_result *ret_result);

#endif
