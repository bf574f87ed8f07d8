/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of keys that a verification leaves beside the archive: it has every key's hash in order
 * anyway, so that it costs a run nothing. Only a whole backup that is not encrypted gets one, once;
 * where it cannot be written there is none; two at once write one each. For job/verify's files
 * only.
 */
#ifndef SCB_JOB_VERIFY_INDEX_H
#define SCB_JOB_VERIFY_INDEX_H

#include "format/key_index.h"
#include "store/store.h"

struct scb_verify_index {
    bool open; /* else nothing is written */
    struct scb_durable_file file;
    struct scb_key_index_writer writer;
};

/*
 * Where there is no directory (NULL), or it has a good one already, or may not be written, it stays
 * closed; so it does for an encrypted backup, whose keys could be guessed and then found in it.
 */
void scb_verify_index_open(struct scb_verify_index *index, const struct scb_backup_dir *dir,
                           const struct scb_manifest *manifest, uint64_t seed);
void scb_verify_index_add(struct scb_verify_index *index, const uint8_t hash[SCB_KEY_INDEX_HASH],
                          uint64_t page);
/* Ends it; it is kept where the backup is good. */
void scb_verify_index_close(struct scb_verify_index *index, bool good);

#endif
