/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads age v1 files (C2SP age.md), strictly: pieces of a file in, its text to a sink. Text is
 * given only after the header's MAC and the chunk that it is in have been checked; but that nothing
 * is missing behind it is known only when scb_age_reader_end succeeds. Armor is age_armor's, whose
 * sink a reader can be.
 *
 * Memory is bounded whatever the file says: a header of 64 KiB, one chunk of 64 KiB and its text.
 */
#ifndef SCB_CRYPTO_AGE_READER_H
#define SCB_CRYPTO_AGE_READER_H

#include "base/buffer.h"
#include "base/stream.h"
#include "crypto/age_identities.h"
#include "scb/entry.h"
#include "scb/error.h"

/* One reader reads many files one after the other, in one thread at a time. */
struct scb_age_reader;

/* identities are borrowed and may serve other readers too. */
SCB_MUST_CHECK enum scb_status scb_age_reader_new(const struct scb_age_identities *identities,
                                                  struct scb_age_reader **ret_reader,
                                                  struct scb_error *error);
/* Wipes and frees, also in the middle of a file. */
void scb_age_reader_free(struct scb_age_reader *reader);
void scb_age_reader_cleanup(struct scb_age_reader **reader);

/*
 * A file in pieces: begin, write as often as wanted, end. IntegrityError where the file is not what
 * an age tool has written, the message beginning with "age header:", "age header MAC:" or
 * "age payload:"; AccessError where no identity matches. The sink's own failures are passed on.
 * After a failure only begin, decrypt or free may follow.
 */
void scb_age_reader_begin(struct scb_age_reader *reader, struct scb_sink sink);
SCB_MUST_CHECK enum scb_status scb_age_reader_write(struct scb_age_reader *reader, const void *data,
                                                    size_t size, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_age_reader_end(struct scb_age_reader *reader,
                                                  struct scb_error *error);

/* A sink that writes to a file that has begun. */
struct scb_sink scb_age_reader_sink(struct scb_age_reader *reader);

/* Appends the text of a whole file to out, which must not hold it; out is as before on failure. */
SCB_MUST_CHECK enum scb_status scb_age_reader_decrypt(struct scb_age_reader *reader,
                                                      struct scb_bytes file, struct scb_buffer *out,
                                                      struct scb_error *error);

/* Whether a file is an age file, of any version and not armored, by its begin. */
bool scb_age_file_is(struct scb_bytes file);

#endif
