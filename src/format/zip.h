/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive: a zip (APPNOTE 6.3) with fixed times and modes, so that equal content gives equal
 * bytes. The writer is ours because it streams: already-deflated pages go straight out, and the
 * memory it needs is one small record an entry, kept by its caller. Reading is zip_walk.h's.
 */
#ifndef SCB_FORMAT_ZIP_H
#define SCB_FORMAT_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/stream.h"
#include "scb/error.h"

/* One entry, as both its local header and the central directory describe it. */
struct scb_zip_entry {
    const char *name; /* borrowed during the call */
    uint32_t crc32;
    uint64_t size;
    uint64_t compressed_size;
    bool stored;   /* not deflated */
    bool streamed; /* sizes unknown when its local header was written: a data descriptor follows */
};

/*
 * Append-only: everything goes to sink in order, so that the archive can be hashed as it is
 * written. zip64 records are used where a number needs them and only there.
 */
struct scb_zip_writer {
    struct scb_sink sink;
    uint64_t offset;                 /* bytes written so far */
    uint64_t entries;                /* local headers written */
    uint64_t directory_offset;       /* where the central directory begins, once it has */
    uint64_t directory_entry_offset; /* of the local header that the next record points to */
    uint64_t directory_entries;
};

void scb_zip_writer_begin(struct scb_zip_writer *writer, struct scb_sink sink);

/* A whole entry whose (deflated or stored) bytes are at hand. */
SCB_MUST_CHECK enum scb_status scb_zip_writer_add(struct scb_zip_writer *writer,
                                                  const struct scb_zip_entry *entry,
                                                  struct scb_bytes compressed,
                                                  struct scb_error *error);

/* zlib's level for entries too large to be deflated whole; they are rare. */
enum { SCB_ZIP_STREAM_LEVEL = 6 };

/*
 * An entry of entry->size bytes read from input, in bounded memory. Deflated with zlib at
 * SCB_ZIP_STREAM_LEVEL: sets crc32, compressed_size and streamed. Stored: all of entry is given,
 * since streaming readers refuse stored entries whose sizes follow them. IntegrityError when input
 * gives another number of bytes, or bytes with another CRC than the given one.
 */
SCB_MUST_CHECK enum scb_status scb_zip_writer_stream(struct scb_zip_writer *writer,
                                                     struct scb_zip_entry *entry,
                                                     struct scb_input input,
                                                     struct scb_error *error);

/*
 * The central directory: once begun, every entry is given again in the same order (an entry's
 * offset follows from the sizes), then the end records are written.
 */
void scb_zip_writer_begin_directory(struct scb_zip_writer *writer);
SCB_MUST_CHECK enum scb_status scb_zip_writer_add_record(struct scb_zip_writer *writer,
                                                         const struct scb_zip_entry *entry,
                                                         struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_zip_writer_end(struct scb_zip_writer *writer,
                                                  struct scb_error *error);

/*
 * libdeflate's level for pages. Level 1 costs about 0.6 us a key of 150 bytes and makes pages 4.6
 * times smaller; level 2 gains 1 % for half as much again, level 6 13 % for more than twice the
 * time. Measured on pages of 100 keys; the whole backup may cost 3 us a key (SPEC 8).
 */
enum { SCB_ZIP_LEVEL = 1 };

/* Deflates whole buffers; one a thread. */
struct scb_deflater;

SCB_MUST_CHECK enum scb_status scb_deflater_new(struct scb_deflater **ret_deflater,
                                                struct scb_error *error);
void scb_deflater_free(struct scb_deflater *deflater);
/* Replaces out's content by deflate(data) and gives crc32(data). */
SCB_MUST_CHECK enum scb_status scb_deflater_run(struct scb_deflater *deflater,
                                                struct scb_bytes data, struct scb_buffer *out,
                                                uint32_t *ret_crc32, struct scb_error *error);
/* Replaces out's content by gzip(data) (RFC 1952) with a time of 0. */
SCB_MUST_CHECK enum scb_status scb_deflater_gzip(struct scb_deflater *deflater,
                                                 struct scb_bytes data, struct scb_buffer *out,
                                                 struct scb_error *error);

#endif
