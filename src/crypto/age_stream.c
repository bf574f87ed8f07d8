/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_stream.h"

#include <assert.h>

#include "base/memory.h"

enum { LAST_AT = SCB_AGE_NONCE_SIZE - 1 };

enum scb_status scb_age_stream_begin(struct scb_age_stream *stream, struct scb_age_kit *kit,
                                     const uint8_t file_key[SCB_AGE_FILE_KEY_SIZE],
                                     const uint8_t nonce[SCB_AGE_STREAM_NONCE_SIZE],
                                     struct scb_error *error)
{
    *stream = (struct scb_age_stream){0};
    struct scb_age_derivation derivation = {
        {file_key, SCB_AGE_FILE_KEY_SIZE}, {nonce, SCB_AGE_STREAM_NONCE_SIZE}, "payload"};
    return scb_age_derive(kit, &derivation, stream->key.key, error);
}

void scb_age_stream_forget(struct scb_age_stream *stream)
{
    scb_wipe(stream, sizeof(*stream));
}

uint64_t scb_age_stream_sealed_size(uint64_t text_size)
{
    uint64_t chunks = text_size / SCB_AGE_CHUNK + (text_size % SCB_AGE_CHUNK > 0);
    return text_size + SCB_AGE_TAG_SIZE * (chunks > 0 ? chunks : 1);
}

/* A big-endian number before the byte for the last one. */
static void advance(struct scb_age_stream *stream)
{
    stream->chunks++; /* 2^64 chunks are more than there is */
    stream->key.nonce[LAST_AT] = 0;
    for (size_t i = LAST_AT; i > 0 && ++stream->key.nonce[i - 1] == 0; i--)
        ;
}

enum scb_status scb_age_stream_seal(struct scb_age_stream *stream, struct scb_age_kit *kit,
                                    struct scb_bytes text, bool last, uint8_t *out,
                                    struct scb_error *error)
{
    assert(last ? text.size <= SCB_AGE_CHUNK && (text.size > 0 || stream->chunks == 0)
                : text.size == SCB_AGE_CHUNK);
    stream->key.nonce[LAST_AT] = last;
    enum scb_status status = scb_age_seal(kit, &stream->key, text, out, error);
    advance(stream);
    return status;
}

bool scb_age_stream_open(struct scb_age_stream *stream, struct scb_age_kit *kit,
                         struct scb_bytes sealed, bool last, uint8_t *out)
{
    assert(last ? sealed.size <= SCB_AGE_SEALED_CHUNK : sealed.size == SCB_AGE_SEALED_CHUNK);
    if (sealed.size < SCB_AGE_TAG_SIZE || (sealed.size == SCB_AGE_TAG_SIZE && stream->chunks > 0))
        return false;
    stream->key.nonce[LAST_AT] = last;
    bool sound = scb_age_open(kit, &stream->key, sealed, out);
    advance(stream);
    return sound;
}
