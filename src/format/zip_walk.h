/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an archive in exactly the form in which zip.h writes it, in memory that does not grow with
 * its entries: every byte that is not content must be the one that the writer would have written,
 * and there are no other bytes. Not for zips of other programs.
 */
#ifndef SCB_FORMAT_ZIP_WALK_H
#define SCB_FORMAT_ZIP_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/stream.h"
#include "scb/error.h"

enum { SCB_ZIP_NAME_SIZE = 64, SCB_ZIP_WINDOW = 32 * 1024 };

/* One entry and where it is. A plain value. */
struct scb_zip_place {
    char name[SCB_ZIP_NAME_SIZE];
    uint64_t offset; /* of its local header */
    uint64_t size;
    uint64_t compressed_size;
    uint32_t crc32;
    bool stored;
    bool streamed;
};

/* A walk along the directory. A plain value, larger than a stack likes. */
struct scb_zip_walk {
    int fd;           /* borrowed */
    uint64_t entries; /* in all */
    uint64_t given;
    uint64_t entry_offset;     /* of the next entry's local header */
    uint64_t directory_offset; /* where the directory begins */
    uint64_t record_offset;    /* of the next byte to be read into the window */
    uint64_t directory_end;
    size_t at, end; /* what is unread in the window */
    uint8_t window[SCB_ZIP_WINDOW];
};

/* size is that of the file. IntegrityError where its end is not that of such an archive. */
SCB_MUST_CHECK enum scb_status scb_zip_walk_begin(struct scb_zip_walk *walk, int fd, uint64_t size,
                                                  struct scb_error *error);
/*
 * *ret_more is false after the last entry; by then entries and directory have filled the file
 * without a gap. Local headers and contents are looked at by those who read them (below).
 */
SCB_MUST_CHECK enum scb_status scb_zip_walk_next(struct scb_zip_walk *walk, bool *ret_more,
                                                 struct scb_zip_place *ret_place,
                                                 struct scb_error *error);

/*
 * Reads one entry as a stream. Local header and descriptor are checked, at the end size and CRC:
 * IntegrityError. fd is borrowed.
 */
struct scb_zip_content;
SCB_MUST_CHECK enum scb_status scb_zip_content_open(int fd, const struct scb_zip_place *place,
                                                    struct scb_zip_content **ret_content,
                                                    struct scb_error *error);
void scb_zip_content_close(struct scb_zip_content *content);
struct scb_input scb_zip_content_input(struct scb_zip_content *content);

/* Reads whole entries, two to three times as fast; one a thread. */
struct scb_inflater;
SCB_MUST_CHECK enum scb_status scb_inflater_new(struct scb_inflater **ret_inflater,
                                                struct scb_error *error);
void scb_inflater_free(struct scb_inflater *inflater);
/* Replaces out's content by the entry's, with the same checks; ResourceError past out->max. */
SCB_MUST_CHECK enum scb_status scb_inflater_run(struct scb_inflater *inflater, int fd,
                                                const struct scb_zip_place *place,
                                                struct scb_buffer *out, struct scb_error *error);

#endif
