/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All of a backup's entries, one after the other, to whoever uses them: with progress, and an end
 * when it is asked for.
 */
#ifndef SCB_JOB_READING_H
#define SCB_JOB_READING_H

#include "base/clock.h"
#include "base/thread.h"
#include "job/backup_reader.h"
#include "scb/progress.h"

/* What a job that reads backups as a whole is given. All borrowed. */
struct scb_reading_parts {
    const struct scb_store *store;
    struct scb_catalog *catalog;
    struct scb_backup_keys *keys; /* may be NULL */
    struct scb_page_limits limits;
    size_t memory_limit; /* of those that sort or hold a backup */
    const struct scb_clock *clock;
    const struct scb_cancel *cancel;
    scb_progress_observer observe; /* may be NULL */
    void *observe_state;
};

/* A reader that has checked the archive's SHA-256; NULL: of the newest completed backup. */
SCB_MUST_CHECK enum scb_status scb_reading_open(const struct scb_reading_parts *parts,
                                                const char *backup_date,
                                                struct scb_backup_reader **ret_reader,
                                                struct scb_error *error);

struct scb_reading_progress {
    const char *activity; /* "Export" */
    const struct scb_reading_parts *parts;
    int64_t started_ms; /* set by the first call where it is 0 */
};

/* Takes one entry, borrowed during the call. */
typedef enum scb_status (*scb_entry_taker)(void *state, const struct scb_entry *entry,
                                           struct scb_error *error);

SCB_MUST_CHECK enum scb_status scb_read_entries(struct scb_backup_reader *reader,
                                                struct scb_reading_progress *progress,
                                                scb_entry_taker take, void *state,
                                                struct scb_error *error);

#endif
