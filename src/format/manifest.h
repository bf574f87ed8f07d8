/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest.json: what a backup is and the checksum of every page. Written and read as a stream,
 * since a backup of ten million keys has a hundred thousand pages. docs/formats.md has its form.
 */
#ifndef SCB_FORMAT_MANIFEST_H
#define SCB_FORMAT_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/stream.h"
#include "crypto/age_recipients.h"
#include "crypto/digest.h"
#include "scb/error.h"

#define SCB_MANIFEST_NAME "manifest.json"

/* How often each odd thing was seen (SPEC 1). */
struct scb_warnings {
    uint64_t empty_keys;
    uint64_t empty_versions;
    uint64_t duplicate_keys; /* within a page */
};

struct scb_manifest {
    char backup_date[SCB_BACKUP_DATE_SIZE];
    uint64_t chain_id;
    uint8_t contract[20];
    uint64_t block_number;
    uint8_t block_hash[32];
    uint64_t block_time; /* seconds since the epoch */
    uint64_t total_keys;
    uint64_t total_pages;
    uint64_t page_size; /* keys */
    struct scb_warnings warnings;
    struct scb_age_recipients recipients;  /* whom the pages are encrypted to; nobody: plain */
    uint8_t pages_sha256[SCB_SHA256_SIZE]; /* over the pages' checksums in hex, in order */
    char program[64];                      /* "satellite 0.1.0" */
};

static inline bool scb_manifest_is_encrypted(const struct scb_manifest *manifest)
{
    return manifest->recipients.count > 0;
}

/* Checksum and size are those of the page file as it is on the disk, encrypted or not. */
struct scb_manifest_page {
    uint64_t number;
    uint64_t keys;
    uint64_t size; /* bytes of the page file */
    uint8_t sha256[SCB_SHA256_SIZE];
};

/* Gives the pages in order, one a call, to the writer. */
typedef enum scb_status (*scb_manifest_next_page)(void *state, struct scb_manifest_page *ret_page,
                                                  struct scb_error *error);

/* Adds the next page's checksum to the digest whose end is pages_sha256. */
SCB_MUST_CHECK enum scb_status scb_manifest_digest_page(struct scb_digest *digest,
                                                        const uint8_t sha256[SCB_SHA256_SIZE],
                                                        struct scb_error *error);

/*
 * Writes the whole document; next_page is called total_pages times. InternalError when the pages
 * do not add up to what the manifest says of them.
 */
SCB_MUST_CHECK enum scb_status scb_manifest_write(const struct scb_manifest *manifest,
                                                  scb_manifest_next_page next_page, void *state,
                                                  struct scb_sink sink, struct scb_error *error);

/* Reads it: head first, then pages one by one. Wrong form, order or sums are IntegrityErrors. */
struct scb_manifest_reader;

SCB_MUST_CHECK enum scb_status scb_manifest_reader_new(struct scb_input input,
                                                       struct scb_manifest *ret_manifest,
                                                       struct scb_manifest_reader **ret_reader,
                                                       struct scb_error *error);
void scb_manifest_reader_free(struct scb_manifest_reader *reader);
/* *ret_more is false after the last page; by then the page numbers are 0…total_pages-1, their keys
 * sum to total_keys and pages_sha256 has been checked, and nothing follows the document. */
SCB_MUST_CHECK enum scb_status scb_manifest_reader_next(struct scb_manifest_reader *reader,
                                                        bool *ret_more,
                                                        struct scb_manifest_page *ret_page,
                                                        struct scb_error *error);

#endif
