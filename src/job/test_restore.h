/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A restore drill: a backup goes into a scratch database, which is then read back and compared with
 * the archive entry by entry. What was wrong with the restored data is an IntegrityError; the
 * scratch database is gone in any case.
 */
#ifndef SCB_JOB_TEST_RESTORE_H
#define SCB_JOB_TEST_RESTORE_H

#include "job/reading.h"
#include "scb/restore_test.h"

/*
 * Records the outcome in the catalog, unless it was interrupted or there is no such backup.
 * ret_result is filled in any case, its backup_date where the backup was found.
 */
SCB_MUST_CHECK enum scb_status scb_test_restore_run(const struct scb_reading_parts *parts,
                                                    const char *backup_date,
                                                    struct scb_restore_test_result *ret_result,
                                                    struct scb_error *error);

#endif
