/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A restore drill: a backup goes into a scratch database, which is then read back and compared with
 * the archive entry by entry. What was wrong with the restored data is an IntegrityError; the
 * scratch database is gone in any case.
 */
#ifndef SCB_JOB_TEST_RESTORE_H
#define SCB_JOB_TEST_RESTORE_H

#include "base/clock.h"
#include "base/thread.h"
#include "job/backup_reader.h"
#include "scb/progress.h"
#include "scb/restore_test.h"

/* All borrowed. */
struct scb_restore_test_parts {
    const struct scb_store *store;
    struct scb_catalog *catalog;
    struct scb_page_limits limits;
    const struct scb_clock *clock;
    const struct scb_cancel *cancel;
    scb_progress_observer observe; /* may be NULL */
    void *observe_state;
};

/*
 * Records the outcome in the catalog, unless it was interrupted or there is no such backup.
 * ret_result is filled in any case, its backup_date where the backup was found.
 */
SCB_MUST_CHECK enum scb_status scb_test_restore_run(const struct scb_restore_test_parts *parts,
                                                    const char *backup_date,
                                                    struct scb_restore_test_result *ret_result,
                                                    struct scb_error *error);

#endif
