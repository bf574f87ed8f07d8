/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a backup begins: where an unfinished run of that date stopped, or at a newly pinned block.
 * What is read there is job/backup's.
 */
#ifndef SCB_JOB_BEGIN_H
#define SCB_JOB_BEGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "job/archive.h"
#include "job/backup.h"
#include "job/patience.h"
#include "scb/catalog.h"
#include "scb/error.h"
#include "scb/source.h"
#include "store/store.h"

struct scb_beginning {
    const struct scb_backup_parts *parts;
    const struct scb_backup_settings *settings;
    struct scb_backup_dir *dir;
    struct scb_patience *patience; /* with the catalog */
    /* What came of it: */
    struct scb_pin pin;
    struct scb_run_record run;
    struct scb_page_entry *pages; /* run.total_pages of them, those taken over with their size; the
                                     caller frees them */
    uint64_t taken_over;          /* pages of an unfinished run */
    bool started;                 /* the run stands in the catalog */
    bool resumed;
};

/* Goes on with an unfinished run where that can be, else starts it over and says why in the log. */
SCB_MUST_CHECK enum scb_status scb_begin(struct scb_beginning *begin, struct scb_error *error);

/* A new run at a newly pinned block; what an earlier one left is dropped, rows before files. */
SCB_MUST_CHECK enum scb_status scb_begin_over(struct scb_beginning *begin, struct scb_error *error);

/* How many pages so many keys make; ResourceError where that is more than a run has memory for. */
SCB_MUST_CHECK enum scb_status scb_begin_count_pages(const struct scb_backup_settings *settings,
                                                     uint64_t keys, uint64_t *ret_pages,
                                                     struct scb_error *error);

#endif
