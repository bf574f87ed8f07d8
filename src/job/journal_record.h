/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a journal, as JSON: its head, and a signed transaction. For job/journal.
 */
#ifndef SCB_JOB_JOURNAL_RECORD_H
#define SCB_JOB_JOURNAL_RECORD_H

#include <jansson.h>

#include "base/buffer.h"
#include "crypto/age_reader.h"
#include "crypto/age_writer.h"
#include "job/journal.h"

/*
 * What keeps the records of an encrypted backup from being read: each call and its transaction are
 * an age file of their own, so that a record is whole or torn like any other. {NULL, NULL}: they
 * are in the clear.
 */
struct scb_journal_cipher {
    struct scb_age_writer *writer;
    struct scb_age_reader *reader;
};

/* Replace what is in out by a line, with its end. */
SCB_MUST_CHECK enum scb_status scb_journal_head_make(const struct scb_journal_owner *owner,
                                                     struct scb_buffer *out,
                                                     struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_journal_record_make(const struct scb_signed *made,
                                                       const struct scb_journal_cipher *cipher,
                                                       struct scb_buffer *out,
                                                       struct scb_error *error);
/* IntegrityError where it is no such record. The transaction's bytes are in raw, whose max is room
 * enough for any. */
SCB_MUST_CHECK enum scb_status scb_journal_record_read(const json_t *record,
                                                       const struct scb_journal_cipher *cipher,
                                                       struct scb_buffer *raw,
                                                       struct scb_signed *ret_transaction,
                                                       struct scb_error *error);

#endif
