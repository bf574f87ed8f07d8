/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows `completed`: latest, then the page files go where they are not kept. Every start
 * redoes both, so that a crash in between does no harm.
 */
#ifndef SCB_JOB_SETTLE_H
#define SCB_JOB_SETTLE_H

#include "job/backup.h"

/* Of the backup of settings->backup_date, whose lock the caller holds. */
SCB_MUST_CHECK enum scb_status scb_settle(const struct scb_backup_parts *parts,
                                          const struct scb_backup_settings *settings,
                                          const struct scb_backup_dir *dir,
                                          struct scb_error *error);

/*
 * Of the newest completed backup, where that is of another date: whoever made it may not have come
 * so far. One that others work on or read is left for the next start; a failure is logged, since
 * the backup that is to be made is none the worse for it.
 */
void scb_settle_newest(const struct scb_backup_parts *parts,
                       const struct scb_backup_settings *settings);

#endif
