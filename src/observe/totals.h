/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The totals of all processes since the first one, in one small file that is replaced as a whole:
 * each adds what it has counted, under a lock. They are worth nothing to a backup, so whatever is
 * wrong with them is only said.
 */
#ifndef SCB_OBSERVE_TOTALS_H
#define SCB_OBSERVE_TOTALS_H

#include <pthread.h>
#include <stdbool.h>

#include "observe/metrics.h"

#define SCB_TOTALS_NAME "metrics.json"

struct scb_totals {
    struct scb_metrics *metrics;      /* this process's */
    char *dir;                        /* the file's */
    pthread_mutex_t lock;             /* of what follows, and while something is kept */
    uint64_t keeps;                   /* how often something was, or was tried to be */
    struct scb_metrics_snapshot kept; /* what of metrics is in the file */
};

/* dir is copied, and need not be there yet. */
SCB_MUST_CHECK enum scb_status scb_totals_init(struct scb_totals *totals, const char *dir,
                                               struct scb_metrics *metrics,
                                               struct scb_error *error);
/* Whether there is anything to keep. */
bool scb_totals_changed(struct scb_totals *totals);
/* Keeps nothing. */
void scb_totals_free(struct scb_totals *totals);

/*
 * Adds to the file what was counted since the last time. A file that is damaged is started anew;
 * *ret_damaged then says how (SCB_OK where it was not). BusyError where others hold the lock for
 * too long: nothing is lost then, as long as the process lives to keep it later.
 */
SCB_MUST_CHECK enum scb_status
scb_totals_keep(struct scb_totals *totals, struct scb_error *ret_damaged, struct scb_error *error);
/* The file and what was not kept yet. Where the file is damaged or cannot be read, *ret_damaged
 * says how, and only this process's own is shown. */
void scb_totals_read(struct scb_totals *totals, struct scb_metrics_snapshot *ret_snapshot,
                     struct scb_error *ret_damaged);

#endif
