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

/* Writes to path, an empty file or none. Not durable: its owner syncs the file once it is closed.
 */
SCB_MUST_CHECK enum scb_status scb_entries_db_create(const char *path,
                                                     const struct scb_manifest *manifest,
                                                     struct scb_entries_db **ret_db,
                                                     struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_entries_db_add(struct scb_entries_db *db,
                                                  const struct scb_entry *entry,
                                                  struct scb_error *error);
/* Makes the index and commits; nothing can be added then. */
SCB_MUST_CHECK enum scb_status scb_entries_db_finish(struct scb_entries_db *db,
                                                     struct scb_error *error);

/* For reading; checks that the file is an unharmed database: IntegrityError. */
SCB_MUST_CHECK enum scb_status scb_entries_db_open(const char *path, struct scb_entries_db **ret_db,
                                                   struct scb_error *error);
/* *ret_more is false after the last entry, which is borrowed until the next call. */
SCB_MUST_CHECK enum scb_status scb_entries_db_next(struct scb_entries_db *db, bool *ret_more,
                                                   struct scb_entry *ret_entry,
                                                   struct scb_error *error);

void scb_entries_db_close(struct scb_entries_db *db);

#endif
