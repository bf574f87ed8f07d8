/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A SQLite database with the entries of one backup: written in page order, read back in the same.
 * docs/formats.md has its tables. Not the status database: that is catalog/.
 */
#ifndef SCB_JOB_ENTRIES_DB_H
#define SCB_JOB_ENTRIES_DB_H

#include <stdbool.h>
#include <stdint.h>

#include "format/manifest.h"
#include "scb/entry.h"
#include "scb/error.h"

struct scb_entries_db;

/* Where a database is, and how secret what is in it. */
struct scb_entries_db_place {
    const char *path; /* an empty file or none; of one in memory a name, without / or ? */
    size_t memory;    /* the bytes that it may have in memory, where it goes with its last user; 0:
                         it is on the disk */
    bool secret;  /* nothing of it may go to temporary files, though the index takes longer so: */
    size_t cache; /* the bytes of it that are kept in memory then, beside memory */
};

/*
 * Not durable: its owner syncs the file once it is closed. ResourceError where there is no more
 * room.
 */
SCB_MUST_CHECK enum scb_status scb_entries_db_create(const struct scb_entries_db_place *place,
                                                     const struct scb_manifest *manifest,
                                                     struct scb_entries_db **ret_db,
                                                     struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_entries_db_add(struct scb_entries_db *db,
                                                  const struct scb_entry *entry,
                                                  struct scb_error *error);
/* Commits, and on the disk makes the index; nothing can be added then. */
SCB_MUST_CHECK enum scb_status scb_entries_db_finish(struct scb_entries_db *db,
                                                     struct scb_error *error);

/* For reading; checks that the file is an unharmed database: IntegrityError. */
SCB_MUST_CHECK enum scb_status scb_entries_db_open(const struct scb_entries_db_place *place,
                                                   struct scb_entries_db **ret_db,
                                                   struct scb_error *error);
/* *ret_more is false after the last entry, which is borrowed until the next call. */
SCB_MUST_CHECK enum scb_status scb_entries_db_next(struct scb_entries_db *db, bool *ret_more,
                                                   struct scb_entry *ret_entry,
                                                   struct scb_error *error);

void scb_entries_db_close(struct scb_entries_db *db);

#endif
