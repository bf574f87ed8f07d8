/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive of one backup while it is written: pages in order as they become ready, then the
 * manifest and its signature, hashed on the way. Appears under its name only when it is whole and
 * on the disk.
 */
#ifndef SCB_JOB_ARCHIVE_H
#define SCB_JOB_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "crypto/identity.h"
#include "format/manifest.h"
#include "format/zip.h"
#include "scb/error.h"
#include "store/store.h"

/* What is kept of every page until the end: the manifest and the zip's directory need it. */
struct scb_page_entry {
    uint8_t sha256[SCB_SHA256_SIZE];
    uint64_t size;
    uint64_t compressed_size; /* 0: not in the archive yet */
    uint32_t crc32;
    uint32_t keys;
};
_Static_assert(sizeof(struct scb_page_entry) <= 64, "SPEC 9: at most 64 bytes a page");

struct scb_archive_settings {
    const struct scb_backup_dir *dir;
    const char *backup_date;
    uint64_t max_size;                   /* 0 = any */
    bool encrypted;                      /* its pages are, and are stored as they are */
    const struct scb_identity *identity; /* signs the manifest; NULL: it is not signed */
};

struct scb_archive {
    struct scb_archive_settings settings;
    struct scb_durable_file file;
    struct scb_digest digest;
    struct scb_buffer pending; /* not yet written */
    struct scb_zip_writer zip;
    uint64_t written;
    uint64_t flushing; /* written bytes that the kernel was told to begin with */
};

SCB_MUST_CHECK enum scb_status scb_archive_open(struct scb_archive *archive,
                                                const struct scb_archive_settings *settings,
                                                struct scb_error *error);
/* Gives up: no trace of the archive is left. */
void scb_archive_abort(struct scb_archive *archive);

/* Appends the next page: from packed (deflated, or its encrypted file), or where that is empty, as
 * a page over SCB_WHOLE_PAGE_SIZE is, from its page file as a stream. page has sha256, size and
 * crc32; compressed_size (and crc32 of a plain stream) is filled in. */
SCB_MUST_CHECK enum scb_status scb_archive_add_page(struct scb_archive *archive, uint64_t number,
                                                    struct scb_page_entry *page,
                                                    struct scb_bytes packed,
                                                    struct scb_error *error);

/*
 * Puts on the disk what the archive has so far, and with it, on a file system with one journal, the
 * entries of the page files: while the last pages are fetched, so that the end waits less.
 */
SCB_MUST_CHECK enum scb_status scb_archive_sync(struct scb_archive *archive,
                                                struct scb_error *error);

/*
 * Writes manifest.json, and manifest.sig where it is signed, beside the pages, adds them to the
 * archive and makes all durable. pages has
 * manifest->total_pages elements. Frees everything, also on failure.
 */
SCB_MUST_CHECK enum scb_status scb_archive_finish(struct scb_archive *archive,
                                                  struct scb_manifest *manifest,
                                                  const struct scb_page_entry *pages,
                                                  uint8_t ret_sha256[SCB_SHA256_SIZE],
                                                  uint64_t *ret_size, struct scb_error *error);

#endif
