/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pages of a finished archive, each with what the manifest and the zip's directory say of it,
 * in memory that does not grow with their number. What is in a page is for those who read it.
 */
#ifndef SCB_JOB_ARCHIVE_PAGES_H
#define SCB_JOB_ARCHIVE_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "format/manifest.h"
#include "format/zip_walk.h"
#include "scb/error.h"

struct scb_archive_pages;

struct scb_archived_page {
    struct scb_manifest_page page;
    struct scb_zip_place place;
};

/*
 * Reads the whole directory and the whole manifest once and checks that they belong together and
 * to backup_date: IntegrityError. fd is borrowed until close, size is the file's.
 */
SCB_MUST_CHECK enum scb_status scb_archive_pages_open(int fd, uint64_t size,
                                                      const char *backup_date,
                                                      struct scb_archive_pages **ret_pages,
                                                      struct scb_error *error);
void scb_archive_pages_close(struct scb_archive_pages *pages);
/* Borrowed until close. Whether the pages are encrypted it says too (scb_manifest_is_encrypted). */
const struct scb_manifest *scb_archive_pages_manifest(const struct scb_archive_pages *pages);
const struct scb_zip_place *scb_archive_pages_manifest_place(const struct scb_archive_pages *pages);
/* Of manifest.sig; NULL where the manifest is not signed. */
const struct scb_zip_place *
scb_archive_pages_signature_place(const struct scb_archive_pages *pages);
/* The next page in order; *ret_more is false after the last one. */
SCB_MUST_CHECK enum scb_status scb_archive_pages_next(struct scb_archive_pages *pages,
                                                      bool *ret_more,
                                                      struct scb_archived_page *ret_page,
                                                      struct scb_error *error);

#endif
