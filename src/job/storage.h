/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the backups take on the disk, and for how long it will do.
 */
#ifndef SCB_JOB_STORAGE_H
#define SCB_JOB_STORAGE_H

#include <stddef.h>

#include "scb/catalog.h"
#include "scb/maintenance.h"
#include "store/store.h"

/*
 * Tells visit of every backup, newest first, then sums up. catalog may be NULL: then no backup is
 * known. Free space below min_free_bytes counts as full.
 */
SCB_MUST_CHECK enum scb_status scb_storage_run(const struct scb_store *store,
                                               struct scb_catalog *catalog, uint64_t min_free_bytes,
                                               scb_storage_visitor visit, void *state,
                                               struct scb_storage_status *ret_status,
                                               struct scb_error *error);

/*
 * Fills in bytes_per_backup and days_until_full from backups, newest first. Every backup is a whole
 * one, so the disk fills by its size each time; what cleanup frees is not counted.
 */
void scb_storage_forecast(const struct scb_storage_backup *backups, size_t count,
                          uint64_t min_free_bytes, struct scb_storage_status *status);

#endif
