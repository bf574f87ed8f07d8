/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The records of an archive as bytes, in the one form that satellite writes: the writer emits them,
 * the strict reader compares with them. For this room only.
 */
#ifndef SCB_FORMAT_ZIP_FORM_H
#define SCB_FORMAT_ZIP_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/zip.h"
#include "format/zip_walk.h"

enum {
    SCB_ZIP_LOCAL_HEADER_SIZE = 30, /* 4.3.7 of PKWARE's APPNOTE, without the name */
    SCB_ZIP_CENTRAL_SIZE = 46,      /* 4.3.12 */
    SCB_ZIP_WIDE_END_SIZE = 76,     /* 4.3.14 and 4.3.15 together */
    SCB_ZIP_END_SIZE = 22,          /* 4.3.16 */
    SCB_ZIP_NAME_MAX = 128,
    SCB_ZIP_DEFLATED = 8,             /* 4.4.5 */
    SCB_ZIP_FLAG_DESCRIPTOR = 1 << 3, /* 4.4.4 */
};

/* Header fields, little-endian, one after the other. */
struct scb_zip_record {
    uint8_t bytes[256];
    size_t size;
};

/* What the end records say. */
struct scb_zip_totals {
    uint64_t entries;
    uint64_t directory_offset;
    uint64_t directory_size;
};

/* The entry that stands at a place of the directory; its name is the place's. */
struct scb_zip_entry scb_zip_form_entry(const struct scb_zip_place *place);
/* A streamed entry's numbers are zero in its local header and follow in the descriptor. */
void scb_zip_form_local_header(const struct scb_zip_entry *entry,
                               struct scb_zip_record *ret_record);
void scb_zip_form_descriptor(const struct scb_zip_entry *entry, struct scb_zip_record *ret_record);
/* The entry's record in the central directory; offset is that of its local header. */
void scb_zip_form_central(const struct scb_zip_entry *entry, uint64_t offset,
                          struct scb_zip_record *ret_record);
/* All that follows the directory. */
void scb_zip_form_end(const struct scb_zip_totals *totals, struct scb_zip_record *ret_record);

/* Bytes from an entry's local header to its content, and to the next one's local header. The
 * latter's compressed_size may be anything: false where the sum does not fit. */
uint64_t scb_zip_form_header_size(const struct scb_zip_entry *entry);
bool scb_zip_form_span(const struct scb_zip_entry *entry, uint64_t *ret_span);

#endif
