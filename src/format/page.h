/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page file (SPEC 4): JSON in exactly one form, so that equal entries give equal bytes.
 * Written piece by piece in bounded memory, read back by a parser that accepts that form only.
 */
#ifndef SCB_FORMAT_PAGE_H
#define SCB_FORMAT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/stream.h"
#include "scb/entry.h"
#include "scb/error.h"

/*
 * Writes into out; when out would grow past its max, what it holds goes to spill and out starts
 * empty again. A page that fits into max never spills (spilled stays 0), so size alone chooses.
 * Without a spill (write == NULL) passing max is a ResourceError.
 */
struct scb_page_writer {
    struct scb_buffer *out; /* borrowed; max of at least 64 KiB */
    struct scb_sink spill;
    uint64_t spilled; /* bytes given to spill so far */
    uint64_t count;   /* entries written */
};

void scb_page_writer_begin(struct scb_page_writer *writer, struct scb_buffer *out,
                           struct scb_sink spill);
SCB_MUST_CHECK enum scb_status scb_page_writer_append(struct scb_page_writer *writer,
                                                      const struct scb_entry *entry,
                                                      struct scb_error *error);
/* Closes the array. Where the page had spilled, the rest is spilled too and out is empty. */
SCB_MUST_CHECK enum scb_status scb_page_writer_end(struct scb_page_writer *writer,
                                                   struct scb_error *error);

/*
 * Reads a page file entry by entry. What is not byte for byte what the writer makes is an
 * IntegrityError with the byte offset; a member over its limit is a ResourceError.
 */
struct scb_page_reader;

struct scb_page_limits {
    size_t max_key_size; /* of key and of version_id */
    size_t max_value_size;
};

SCB_MUST_CHECK enum scb_status scb_page_reader_new(struct scb_input input,
                                                   struct scb_page_limits limits,
                                                   struct scb_page_reader **ret_reader,
                                                   struct scb_error *error);
void scb_page_reader_free(struct scb_page_reader *reader);
/* *ret_more is false after the last entry and the end of the input have been seen; the entry is
 * borrowed until the next call. */
SCB_MUST_CHECK enum scb_status scb_page_reader_next(struct scb_page_reader *reader, bool *ret_more,
                                                    struct scb_entry *ret_entry,
                                                    struct scb_error *error);

enum { SCB_PAGE_NAME_SIZE = 40 };

/* "page_17.json"; where the backup is encrypted "page_17.json.gz.age". */
void scb_page_file_name(uint64_t number, bool encrypted, char ret_name[SCB_PAGE_NAME_SIZE]);

#endif
