/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removes what the retention policy lets go. A crash at any instant leaves a backup or nothing: its
 * rows go first, in one synced transaction, then its directory in one rename, then its files. What
 * has lost its rows only is still whole, and `list --rescan` takes it in again.
 */
#ifndef SCB_JOB_CLEANUP_H
#define SCB_JOB_CLEANUP_H

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "scb/catalog.h"
#include "scb/maintenance.h"
#include "scb/progress.h"
#include "store/store.h"

/* What keeping house works with; all borrowed. */
struct scb_cleanup_parts {
    struct scb_store *store;
    struct scb_catalog *catalog;
    struct scb_log *log;
    const struct scb_clock *clock;
    const struct scb_cancel *cancel; /* may be NULL */
    scb_progress_observer observe;   /* of what is removed; may be NULL */
    void *observe_state;
};

/* Removes what a crash or an interruption has left of removed backups. */
SCB_MUST_CHECK enum scb_status scb_cleanup_empty_trash(const struct scb_cleanup_parts *parts,
                                                       struct scb_error *error);

/*
 * Decides on every backup, removes those that may go, tells visit of each. What is locked is
 * skipped. Canceled: a backup that had lost its rows is trash, the others are whole.
 * IntegrityError, with nothing removed, where the newest backup has shrunk and options do not allow
 * it.
 */
SCB_MUST_CHECK enum scb_status scb_cleanup_run(const struct scb_cleanup_parts *parts,
                                               const struct scb_cleanup_options *options,
                                               scb_cleanup_visitor visit, void *state,
                                               struct scb_error *error);

#endif
