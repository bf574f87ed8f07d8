/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run does with an archive that stands in its directory already. Not for an archive that it
 * makes itself: job/archive.
 */
#ifndef SCB_JOB_FOUND_ARCHIVE_H
#define SCB_JOB_FOUND_ARCHIVE_H

#include "job/backup.h"

/* A backup, and what there is of it; all borrowed. */
struct scb_found_archive {
    const struct scb_backup_parts *parts;
    const struct scb_backup_settings *settings; /* today's */
    const struct scb_backup_dir *dir;           /* NULL: there is none */
    const struct scb_backup_record *row;        /* NULL: there is none */
};

/*
 * Whether the backup's archive stands there already, so that none is to be made.
 *
 * Of one that is not recorded as completed: an archive gets its name when all of it is on the disk,
 * and its row may not say so yet, or may be lost after that, with the power, the database, or the
 * disk for a while. It is the backup, so that it is not made anew over it: the one whose checksum
 * is recorded, or a whole one of the row's block, this contract and today's recipients, signed by
 * whom is trusted, is recorded as completed; any other is a DatabaseError, as is one that cannot be
 * read. Only one that is nothing to its row, damaged or of another block, does not count.
 */
SCB_MUST_CHECK enum scb_status scb_found_archive_look(const struct scb_found_archive *found,
                                                      bool *ret_stands, struct scb_error *error);

/*
 * Of one that is recorded as completed, which is worth what the archive is: that it is there with
 * its size (dir is NULL where there is none), else IntegrityError. Its checksum is verify's.
 */
SCB_MUST_CHECK enum scb_status scb_found_archive_check(const struct scb_backup_dir *dir,
                                                       const struct scb_backup_record *record,
                                                       struct scb_error *error);

#endif
