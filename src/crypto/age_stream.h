/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload of an age file (C2SP age.md, "Payload"): chunks of 64 KiB, each sealed under its
 * number and whether it is the last, so that none can be left out, moved or added.
 */
#ifndef SCB_CRYPTO_AGE_STREAM_H
#define SCB_CRYPTO_AGE_STREAM_H

#include "crypto/age_primitive.h"

/* All in bytes. */
enum {
    SCB_AGE_CHUNK = 64 * 1024,
    SCB_AGE_SEALED_CHUNK = SCB_AGE_CHUNK + SCB_AGE_TAG_SIZE,
    SCB_AGE_STREAM_NONCE_SIZE = 16, /* before the first chunk */
};

/* Where a payload stands. Holds its key: forget it in the end. */
struct scb_age_stream {
    struct scb_age_box_key key; /* with the nonce of the next chunk, as if it were not the last */
    uint64_t chunks;            /* done */
};

SCB_MUST_CHECK enum scb_status scb_age_stream_begin(struct scb_age_stream *stream,
                                                    struct scb_age_kit *kit,
                                                    const uint8_t file_key[SCB_AGE_FILE_KEY_SIZE],
                                                    const uint8_t nonce[SCB_AGE_STREAM_NONCE_SIZE],
                                                    struct scb_error *error);
void scb_age_stream_forget(struct scb_age_stream *stream);

/* How many bytes the chunks of so many bytes of text take. */
uint64_t scb_age_stream_sealed_size(uint64_t text_size);

/*
 * The next chunk, text.size + SCB_AGE_TAG_SIZE bytes into out. All but the last are whole; the last
 * is not empty unless the text is.
 */
SCB_MUST_CHECK enum scb_status scb_age_stream_seal(struct scb_age_stream *stream,
                                                   struct scb_age_kit *kit, struct scb_bytes text,
                                                   bool last, uint8_t *out,
                                                   struct scb_error *error);
/* The way back, sealed.size - SCB_AGE_TAG_SIZE bytes into out. False where it is not that chunk. */
SCB_MUST_CHECK bool scb_age_stream_open(struct scb_age_stream *stream, struct scb_age_kit *kit,
                                        struct scb_bytes sealed, bool last, uint8_t *out);

#endif
