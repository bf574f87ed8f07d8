/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes gzip (RFC 1952) as a stream, in memory that does not grow with the text; it says nothing
 * of when or where it was made. What is in memory as a whole is zip.h's scb_deflater_gzip's.
 */
#ifndef SCB_FORMAT_GZIP_H
#define SCB_FORMAT_GZIP_H

#include <stddef.h>

#include "base/stream.h"
#include "scb/error.h"

/* About 300 KiB, most of it zlib's. */
struct scb_gzip;

SCB_MUST_CHECK enum scb_status scb_gzip_new(struct scb_sink sink, struct scb_gzip **ret_gzip,
                                            struct scb_error *error);
void scb_gzip_free(struct scb_gzip *gzip);
SCB_MUST_CHECK enum scb_status scb_gzip_write(struct scb_gzip *gzip, const void *data, size_t size,
                                              struct scb_error *error);
/* The rest and the trailer; nothing may follow. */
SCB_MUST_CHECK enum scb_status scb_gzip_end(struct scb_gzip *gzip, struct scb_error *error);

#endif
