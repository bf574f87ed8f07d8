/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The threads that make pages: each takes an answer or a recorded page file, asks the source for
 * what is missing of the page, and hands the slot back when the page is made or has failed. They
 * touch neither the catalog nor the archive.
 */
#ifndef SCB_JOB_WORKERS_H
#define SCB_JOB_WORKERS_H

#include <stdint.h>

#include "base/log.h"
#include "job/window.h"
#include "scb/error.h"
#include "scb/source.h"

struct scb_workers_settings {
    struct scb_source *source; /* pinned */
    struct scb_log *log;
    const char *backup_date; /* for the log */
    uint64_t most_slots;     /* that are with them at once */
    uint64_t most_threads;
    uint64_t quorum;                             /* endpoints that must give the same page */
    const struct scb_age_recipients *recipients; /* of their pages */
};

/* No thread yet: slots may be given, but nothing is made. */
SCB_MUST_CHECK enum scb_status scb_workers_new(const struct scb_workers_settings *settings,
                                               struct scb_workers **ret_workers,
                                               struct scb_error *error);
/* Nothing may be with them. */
void scb_workers_free(struct scb_workers *workers);
/* One thread more. */
SCB_MUST_CHECK enum scb_status scb_workers_add(struct scb_workers *workers,
                                               struct scb_error *error);

/* Has a page made: the slot's work has begun, its range knows its limits. Never waits. */
void scb_workers_give(struct scb_workers *workers, struct scb_page_slot *slot);
/* The next page that was made or has failed (slot->status); NULL after timeout_ms. */
struct scb_page_slot *scb_workers_take(struct scb_workers *workers, int64_t timeout_ms);
/* They ask the source for nothing more; what is with them comes back soon, as Canceled. */
void scb_workers_stop(struct scb_workers *workers);

#endif
