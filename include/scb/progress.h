/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a run is, for whoever shows it.
 */
#ifndef SCB_PROGRESS_H
#define SCB_PROGRESS_H

#include <stdint.h>

struct scb_run_progress {
    const char *activity; /* "Verification"; NULL: a backup is made */
    const char *backup_date;
    uint64_t pages, total_pages;
    uint64_t keys, total_keys;
    uint64_t reused_pages; /* of pages: taken over from an earlier run */
    int64_t elapsed_ms;
};

/* Called on the run's own thread, several times a second. */
typedef void (*scb_progress_observer)(void *state, const struct scb_run_progress *progress);

#endif
