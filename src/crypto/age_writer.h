/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes age v1 files for X25519 recipients (C2SP age.md): a whole text in memory at once, or a
 * stream in pieces of any size. One writer makes many files one after the other, in one thread at a
 * time; each file has keys of its own, so the same text never gives the same bytes twice.
 *
 * For many small files: contexts, the recipients' keys and the buffers are set up once. A file
 * costs two X25519 operations a recipient, three derivations and the cipher's pass over the text;
 * memory is taken for the output, and for a moment by OpenSSL, never for the text.
 */
#ifndef SCB_CRYPTO_AGE_WRITER_H
#define SCB_CRYPTO_AGE_WRITER_H

#include "base/buffer.h"
#include "base/stream.h"
#include "crypto/age_key.h"
#include "scb/entry.h"
#include "scb/error.h"

/* How many recipients one file may have. */
enum { SCB_AGE_MAX_RECIPIENTS = 64 };

struct scb_age_writer;

/* For 1 to SCB_AGE_MAX_RECIPIENTS recipients (ValidationError else), which are copied. */
SCB_MUST_CHECK enum scb_status scb_age_writer_new(const struct scb_age_recipient *recipients,
                                                  size_t count, struct scb_age_writer **ret_writer,
                                                  struct scb_error *error);
/* Wipes and frees, also in the middle of a file. */
void scb_age_writer_free(struct scb_age_writer *writer);
void scb_age_writer_cleanup(struct scb_age_writer **writer);

/* How many bytes the file of text_size bytes takes, exactly. */
uint64_t scb_age_writer_file_size(const struct scb_age_writer *writer, uint64_t text_size);

/* Appends the file of a whole text to out, which must not hold it; out is as before on failure. */
SCB_MUST_CHECK enum scb_status scb_age_writer_encrypt(struct scb_age_writer *writer,
                                                      struct scb_bytes text, struct scb_buffer *out,
                                                      struct scb_error *error);

/*
 * A file in pieces: begin, write as often as wanted, end. It goes to sink as it is made, at most
 * 64 KiB behind. After a failure the file is lost, and only begin, encrypt or free may follow.
 */
SCB_MUST_CHECK enum scb_status scb_age_writer_begin(struct scb_age_writer *writer,
                                                    struct scb_sink sink, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_age_writer_write(struct scb_age_writer *writer, const void *data,
                                                    size_t size, struct scb_error *error);
SCB_MUST_CHECK enum scb_status scb_age_writer_end(struct scb_age_writer *writer,
                                                  struct scb_error *error);

/* A sink that writes to a file that has begun. */
struct scb_sink scb_age_writer_sink(struct scb_age_writer *writer);

#endif
