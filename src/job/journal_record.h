/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lines of a journal, as JSON: its head, and a signed transaction. For job/journal.
 */
#ifndef SCB_JOB_JOURNAL_RECORD_H
#define SCB_JOB_JOURNAL_RECORD_H

#include <jansson.h>

#include "base/buffer.h"
#include "job/journal.h"

/* Replace what is in out by a line, with its end. */
SCB_MUST_CHECK enum scb_status scb_journal_head_make(const struct scb_journal_owner *owner,
                                                     struct scb_buffer *out,
                                                     struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_journal_record_make(const struct scb_signed *made,
                                                       struct scb_buffer *out,
                                                       struct scb_error *error);
/* False where it is no such record. The transaction's bytes are in raw, whose max is room enough
 * for any. */
bool scb_journal_record_read(const json_t *record, struct scb_buffer *raw,
                             struct scb_signed *ret_transaction);

#endif
