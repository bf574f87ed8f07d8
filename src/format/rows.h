/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entries as lines for other programs: NDJSON and CSV (docs/formats.md has their forms). Written
 * piece by piece, so that a value of any size needs little memory. Nothing here reads them back.
 */
#ifndef SCB_FORMAT_ROWS_H
#define SCB_FORMAT_ROWS_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/stream.h"
#include "scb/entry.h"
#include "scb/error.h"

enum scb_row_form { SCB_ROWS_NDJSON, SCB_ROWS_CSV };

/* {.form, .sink} with .pending = {.max = SCB_ROW_BUFFER}; its owner frees pending. */
struct scb_row_writer {
    enum scb_row_form form;
    bool escape_formulas; /* CSV: fields that a spreadsheet would run begin with an apostrophe */
    struct scb_sink sink;
    struct scb_buffer pending;
};

enum { SCB_ROW_BUFFER = 256 * 1024 };

/* What comes before the first row. */
SCB_MUST_CHECK enum scb_status scb_row_writer_begin(struct scb_row_writer *writer,
                                                    struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_row_writer_add(struct scb_row_writer *writer,
                                                  const struct scb_entry *entry,
                                                  struct scb_error *error);
/* Gives the sink all that is pending. */
SCB_MUST_CHECK enum scb_status scb_row_writer_end(struct scb_row_writer *writer,
                                                  struct scb_error *error);

#endif
