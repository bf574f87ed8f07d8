/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads gzip (RFC 1952): one member and nothing after it: IntegrityError; of at most so many bytes,
 * whatever it says of itself: ResourceError.
 */
#ifndef SCB_FORMAT_GUNZIP_H
#define SCB_FORMAT_GUNZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/stream.h"
#include "scb/error.h"

/* Whole files, two to three times as fast; one a thread. */
struct scb_gunzipper;
SCB_MUST_CHECK enum scb_status scb_gunzipper_new(struct scb_gunzipper **ret_gunzipper,
                                                 struct scb_error *error);
void scb_gunzipper_free(struct scb_gunzipper *gunzipper);
/* The size that a whole file says to have, below 4 GiB; 0 where it is too short to be one. */
uint64_t scb_gunzip_size(struct scb_bytes file);
/* Replaces out's content; ResourceError where it says to have more than out->max. */
SCB_MUST_CHECK enum scb_status scb_gunzipper_run(struct scb_gunzipper *gunzipper,
                                                 struct scb_bytes file, struct scb_buffer *out,
                                                 struct scb_error *error);

/* A stream, of at most max_size bytes; the file's own input is borrowed. */
struct scb_gunzip;
SCB_MUST_CHECK enum scb_status scb_gunzip_open(struct scb_input file, uint64_t max_size,
                                               struct scb_gunzip **ret_gunzip,
                                               struct scb_error *error);
void scb_gunzip_close(struct scb_gunzip *gunzip);
/* Its end is reported only when the file's has been seen. */
struct scb_input scb_gunzip_input(struct scb_gunzip *gunzip);

#endif
