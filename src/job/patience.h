/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Patience with a status database that another process holds: a run's changes to it are tried
 * again, with pauses that double, until a limit. A full disk or a damaged database is no matter of
 * patience. One for each run, on the one thread that touches the catalog:
 *
 *     do
 *         status = scb_catalog_complete(…, error);
 *     while (scb_patience_again(patience, &status, error));
 */
#ifndef SCB_JOB_PATIENCE_H
#define SCB_JOB_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "scb/error.h"

struct scb_patience {
    const struct scb_clock *clock;
    const struct scb_cancel *cancel; /* may be NULL */
    struct scb_log *log;             /* may be NULL */
    const char *backup_date;
    int64_t limit_ms; /* from the first refusal on; nothing is tried again after it */
    /* Its own: */
    bool waiting; /* the last change was refused */
    int64_t since_ms;
    int64_t pause_ms;
};

/*
 * Notes how a change ended. Returns how long to wait until it is tried again, -1 where it is not:
 * done, failed for another reason, or refused for too long. After that each change has one attempt,
 * until one is taken.
 */
int64_t scb_patience_pause(struct scb_patience *patience, enum scb_status status,
                           const struct scb_error *error);

/*
 * Whether to try again, after the pause. error is that of the attempt, cleared when one is taken
 * after all; *status becomes Canceled where that came meanwhile.
 */
bool scb_patience_again(struct scb_patience *patience, enum scb_status *status,
                        struct scb_error *error);

#endif
