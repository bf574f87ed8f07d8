/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a backup's entries in a form that other programs read, as a stream; a file appears under
 * its name only when it is whole and on the disk.
 */
#ifndef SCB_JOB_EXPORT_H
#define SCB_JOB_EXPORT_H

#include "base/clock.h"
#include "base/thread.h"
#include "job/backup_reader.h"
#include "scb/export.h"
#include "scb/progress.h"

/* All borrowed. */
struct scb_export_parts {
    const struct scb_store *store;
    struct scb_catalog *catalog;
    struct scb_page_limits limits;
    const struct scb_clock *clock;
    const struct scb_cancel *cancel;
    scb_progress_observer observe; /* may be NULL */
    void *observe_state;
};

SCB_MUST_CHECK enum scb_status scb_export_run(const struct scb_export_parts *parts,
                                              const struct scb_export_options *options,
                                              struct scb_export_result *ret_result,
                                              struct scb_error *error);

#endif
