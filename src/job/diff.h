/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares two backups key by key, in bounded memory: both are sorted by key on temporary files.
 */
#ifndef SCB_JOB_DIFF_H
#define SCB_JOB_DIFF_H

#include "base/clock.h"
#include "base/thread.h"
#include "job/backup_reader.h"
#include "scb/diff.h"
#include "scb/progress.h"

/* All borrowed. */
struct scb_diff_parts {
    const struct scb_store *store;
    struct scb_catalog *catalog;
    struct scb_page_limits limits;
    size_t memory_limit;
    const struct scb_clock *clock;
    const struct scb_cancel *cancel;
    scb_progress_observer observe; /* may be NULL */
    void *observe_state;
};

/* visit may be NULL: then they are only counted. */
SCB_MUST_CHECK enum scb_status scb_diff_run(const struct scb_diff_parts *parts,
                                            const char *old_date, const char *new_date,
                                            scb_difference_visitor visit, void *state,
                                            struct scb_diff_result *ret_result,
                                            struct scb_error *error);

#endif
