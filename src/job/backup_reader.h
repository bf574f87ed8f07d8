/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A completed backup read back: its manifest, then its entries in page order, as a stream in
 * bounded memory. Nothing of a page is given out before the whole page has the manifest's checksum.
 * For those who use what is in a backup; verify, which says all that is wrong with one, has its own
 * way.
 */
#ifndef SCB_JOB_BACKUP_READER_H
#define SCB_JOB_BACKUP_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"
#include "format/manifest.h"
#include "format/page.h"
#include "job/backup_keys.h"
#include "scb/catalog.h"
#include "scb/error.h"
#include "store/store.h"

struct scb_backup_reader;

struct scb_backup_reader_settings {
    const char *backup_date; /* NULL: the newest completed one */
    struct scb_page_limits limits;
    /*
     * The archive's SHA-256 is compared with the record first, which reads all of it: for those who
     * take the backup as a whole. Its size always is.
     */
    bool check_sha256;
    const struct scb_cancel *cancel; /* of that; may be NULL */
    struct scb_backup_keys *keys;    /* NULL: none, and any signature will do; until close */
};

/* The record of a completed backup, by date or the newest (NULL); NotFoundError. */
SCB_MUST_CHECK enum scb_status scb_backup_find(struct scb_catalog *catalog, const char *backup_date,
                                               struct scb_backup_record *ret_backup,
                                               struct scb_error *error);

/*
 * Opens its archive under the backup's shared lock, which is kept until close, and checks the whole
 * manifest and its signature. An archive that is not the recorded one is an IntegrityError, one
 * that cannot be decrypted an AccessError. The catalog is used during the call only, the store is
 * borrowed until close.
 */
SCB_MUST_CHECK enum scb_status
scb_backup_reader_open(const struct scb_store *store, struct scb_catalog *catalog,
                       const struct scb_backup_reader_settings *settings,
                       struct scb_backup_reader **ret_reader, struct scb_error *error);
void scb_backup_reader_close(struct scb_backup_reader *reader);

/* Borrowed until close, the manifest until a rewind too. */
const struct scb_backup_record *scb_backup_reader_record(const struct scb_backup_reader *reader);
const struct scb_manifest *scb_backup_reader_manifest(const struct scb_backup_reader *reader);
/* What it is decrypted with, borrowed from the keys; NULL where it is not encrypted. */
const struct scb_age_identities *
scb_backup_reader_identities(const struct scb_backup_reader *reader);

/*
 * *ret_more is false after the last entry; by then every page has been checked and had as many
 * entries as the manifest says. The entry is borrowed until the next call.
 */
SCB_MUST_CHECK enum scb_status scb_backup_reader_next(struct scb_backup_reader *reader,
                                                      bool *ret_more, struct scb_entry *ret_entry,
                                                      struct scb_error *error);
/*
 * Begins again with the first entry. It stays with the file that open has checked, whatever has
 * its name by now; IntegrityError where that has been written to since, or has another manifest.
 */
SCB_MUST_CHECK enum scb_status scb_backup_reader_rewind(struct scb_backup_reader *reader,
                                                        struct scb_error *error);
/*
 * The next entry is the first one of that page, which must not be behind: pages in between are
 * neither read nor checked. NotFoundError where there is no such page.
 */
SCB_MUST_CHECK enum scb_status scb_backup_reader_skip_to(struct scb_backup_reader *reader,
                                                         uint64_t page, struct scb_error *error);
/* The page that the last entry stands in, or that was skipped to; how many entries it has. */
uint64_t scb_backup_reader_page(const struct scb_backup_reader *reader);
uint64_t scb_backup_reader_page_keys(const struct scb_backup_reader *reader);

#endif
