/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run does with an archive that stands in its directory already. Not for an archive that it
 * makes itself: job/archive.
 */
#ifndef SCB_JOB_FOUND_ARCHIVE_H
#define SCB_JOB_FOUND_ARCHIVE_H

#include "job/backup.h"

/*
 * Of a backup without a row. An archive gets its name when all of it is on the disk; its row may be
 * lost after that, with the power or the database. It is the backup, so that it is not made anew
 * over it: a whole one of this contract, of today's recipients and signed by whom is trusted, gets
 * its row back, any other is a DatabaseError.
 * *ret_adopted is left as it is where there is none; what cannot be opened is there, and an error.
 */
SCB_MUST_CHECK enum scb_status scb_found_archive_adopt(const struct scb_backup_parts *parts,
                                                       const struct scb_backup_settings *settings,
                                                       const struct scb_backup_dir *dir,
                                                       bool *ret_adopted, struct scb_error *error);

/*
 * Of one that is recorded as completed, which is worth what the archive is: that it is there with
 * its size (dir is NULL where there is none), else IntegrityError. Its checksum is verify's.
 */
SCB_MUST_CHECK enum scb_status scb_found_archive_check(const struct scb_backup_dir *dir,
                                                       const struct scb_backup_record *record,
                                                       struct scb_error *error);

#endif
