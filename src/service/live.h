/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the service does at this moment, for those who look on from other threads.
 */
#ifndef SCB_SERVICE_LIVE_H
#define SCB_SERVICE_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "scb/error.h"
#include "scb/progress.h"

enum scb_live_activity { SCB_LIVE_IDLE, SCB_LIVE_BACKUP, SCB_LIVE_CHECK, SCB_LIVE_CLEANUP };

/* "idle", "backup", "check", "cleanup". */
const char *scb_live_activity_name(enum scb_live_activity activity);

/* The numbers are 0 until the first of them is known. */
struct scb_live_view {
    enum scb_live_activity activity;
    char backup_date[SCB_BACKUP_DATE_SIZE]; /* "" while idle, or not yet at one */
    uint64_t pages, total_pages, reused_pages;
    uint64_t keys, total_keys;
    int64_t elapsed_ms;
    int64_t next_run_ms; /* real time; 0 before the first look at the schedule */
};

struct scb_live;

SCB_MUST_CHECK enum scb_status scb_live_new(struct scb_live **ret_live, struct scb_error *error);
void scb_live_free(struct scb_live *live);

/* The rest may be called with NULL, which does nothing. */
void scb_live_begin(struct scb_live *live, enum scb_live_activity activity,
                    const char *backup_date);
void scb_live_note(struct scb_live *live, const struct scb_run_progress *progress);
void scb_live_end(struct scb_live *live);
void scb_live_next_run(struct scb_live *live, int64_t next_run_ms);

void scb_live_look(struct scb_live *live, struct scb_live_view *ret_view);

#endif
