/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_writer.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "crypto/age_header.h"
#include "crypto/age_primitive.h"
#include "crypto/age_stanza.h"
#include "crypto/age_stream.h"

enum {
    VERSION_LINE = 22, /* "age-encryption.org/v1\n" */
    STANZA = 98,       /* "-> X25519 ", 43 digits, a line feed, twice 43 with it */
    MAC_LINE = 48,     /* "--- ", 43 digits, a line feed */
};

struct scb_age_writer {
    struct scb_age_kit kit;
    struct scb_age_peer peers[SCB_AGE_MAX_RECIPIENTS];
    size_t count;
    struct scb_buffer header;
    struct scb_age_stream stream;
    struct scb_sink sink;
    bool is_open;
    size_t held;    /* of text: a chunk is sealed when it is known whether it is the last */
    size_t touched; /* of text: to be wiped */
    uint8_t text[SCB_AGE_CHUNK];
    uint8_t sealed[SCB_AGE_SEALED_CHUNK];
};

static enum scb_status add_peers(struct scb_age_writer *writer,
                                 const struct scb_age_recipient *recipients, size_t count,
                                 struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; status == SCB_OK && i < count; i++) {
        struct scb_age_peer *peer = &writer->peers[i];
        peer->recipient = recipients[i];
        status = scb_age_public_new(peer->recipient.public, &peer->key, error);
        writer->count += status == SCB_OK;
    }
    return status;
}

enum scb_status scb_age_writer_new(const struct scb_age_recipient *recipients, size_t count,
                                   struct scb_age_writer **ret_writer, struct scb_error *error)
{
    if (count < 1 || count > SCB_AGE_MAX_RECIPIENTS)
        return scb_error_set(error, SCB_ERROR_VALIDATION, "age: %zu recipients, not 1 to %d", count,
                             SCB_AGE_MAX_RECIPIENTS);
    SCB_AUTO(age_writer)
    struct scb_age_writer *writer = scb_alloc(1, sizeof(*writer), error);
    if (writer == NULL)
        return SCB_ERROR_RESOURCE;
    writer->header.max =
        VERSION_LINE + SCB_AGE_MAX_RECIPIENTS * STANZA + MAC_LINE + SCB_AGE_STREAM_NONCE_SIZE;
    enum scb_status status = scb_age_kit_open(&writer->kit, error);
    if (status == SCB_OK)
        status = add_peers(writer, recipients, count, error);
    if (status == SCB_OK)
        *ret_writer = SCB_TAKE(writer);
    return status;
}

/* Wipes what the file had of its own. */
static void forget_file(struct scb_age_writer *writer)
{
    scb_age_kit_forget(&writer->kit);
    scb_age_stream_forget(&writer->stream);
    scb_wipe(writer->text, writer->touched);
    writer->held = writer->touched = 0;
    writer->is_open = false;
}

void scb_age_writer_free(struct scb_age_writer *writer)
{
    if (writer == NULL)
        return;
    forget_file(writer);
    scb_age_kit_close(&writer->kit);
    for (size_t i = 0; i < writer->count; i++)
        EVP_PKEY_free(writer->peers[i].key);
    scb_buffer_free(&writer->header);
    free(writer);
}

void scb_age_writer_cleanup(struct scb_age_writer **writer)
{
    scb_age_writer_free(*writer);
}

static size_t header_size(const struct scb_age_writer *writer)
{
    return VERSION_LINE + writer->count * STANZA + MAC_LINE + SCB_AGE_STREAM_NONCE_SIZE;
}

uint64_t scb_age_writer_file_size(const struct scb_age_writer *writer, uint64_t text_size)
{
    return header_size(writer) + scb_age_stream_sealed_size(text_size);
}

/* "---" and what it is of the header before it. */
static enum scb_status append_mac(struct scb_age_writer *writer,
                                  const uint8_t file_key[SCB_AGE_FILE_KEY_SIZE],
                                  struct scb_error *error)
{
    uint8_t key[SCB_AGE_KEY_SIZE], mac[SCB_AGE_KEY_SIZE];
    struct scb_age_derivation derivation = {.secret = {file_key, SCB_AGE_FILE_KEY_SIZE},
                                            .info = "header"};
    struct scb_buffer *header = &writer->header;
    enum scb_status status = scb_buffer_append_text(header, "---", error);
    if (status == SCB_OK)
        status = scb_age_derive(&writer->kit, &derivation, key, error);
    if (status == SCB_OK)
        status = scb_age_hmac(&writer->kit, key, scb_buffer_bytes(header), mac, error);
    scb_wipe(key, sizeof(key));
    if (status == SCB_OK)
        status = scb_buffer_append_text(header, " ", error);
    if (status == SCB_OK)
        status = scb_age_base64_append(header, (struct scb_bytes){mac, sizeof(mac)}, error);
    return status == SCB_OK ? scb_buffer_append_text(header, "\n", error) : status;
}

/* The header, and the nonce of the payload behind it; begins the payload. */
static enum scb_status make_header(struct scb_age_writer *writer,
                                   const uint8_t file_key[SCB_AGE_FILE_KEY_SIZE],
                                   struct scb_error *error)
{
    uint8_t nonce[SCB_AGE_STREAM_NONCE_SIZE];
    struct scb_buffer *header = &writer->header;
    scb_buffer_clear(header);
    enum scb_status status = scb_buffer_append_text(header, scb_age_version_line, error);
    for (size_t i = 0; status == SCB_OK && i < writer->count; i++)
        status = scb_age_stanza_wrap(&writer->kit, &writer->peers[i], file_key, header, error);
    if (status == SCB_OK)
        status = append_mac(writer, file_key, error);
    if (status == SCB_OK)
        status = scb_random(nonce, sizeof(nonce), error);
    if (status == SCB_OK)
        status = scb_buffer_append(header, nonce, sizeof(nonce), error);
    if (status == SCB_OK)
        status = scb_age_stream_begin(&writer->stream, &writer->kit, file_key, nonce, error);
    assert(status != SCB_OK || header->size == header_size(writer));
    return status;
}

/* A file of its own key, up to its first chunk. */
static enum scb_status open_file(struct scb_age_writer *writer, struct scb_error *error)
{
    uint8_t file_key[SCB_AGE_FILE_KEY_SIZE];
    forget_file(writer);
    enum scb_status status = scb_random(file_key, sizeof(file_key), error);
    if (status == SCB_OK)
        status = make_header(writer, file_key, error);
    scb_wipe(file_key, sizeof(file_key));
    return status;
}

/* Seals all of text straight to where it goes; there is room for it. */
static enum scb_status seal_all(struct scb_age_writer *writer, struct scb_bytes text,
                                struct scb_buffer *out, struct scb_error *error)
{
    bool last = false;
    while (!last) {
        last = text.size <= SCB_AGE_CHUNK;
        struct scb_bytes chunk = {text.data, last ? text.size : SCB_AGE_CHUNK};
        enum scb_status status = scb_age_stream_seal(&writer->stream, &writer->kit, chunk, last,
                                                     out->data + out->size, error);
        if (status != SCB_OK)
            return status;
        out->size += chunk.size + SCB_AGE_TAG_SIZE;
        if (!last)
            text = (struct scb_bytes){text.data + chunk.size, text.size - chunk.size};
    }
    return SCB_OK;
}

enum scb_status scb_age_writer_encrypt(struct scb_age_writer *writer, struct scb_bytes text,
                                       struct scb_buffer *out, struct scb_error *error)
{
    size_t before = out->size;
    enum scb_status status =
        scb_buffer_reserve(out, scb_age_writer_file_size(writer, text.size), error);
    if (status == SCB_OK)
        status = open_file(writer, error);
    if (status == SCB_OK)
        status = scb_buffer_append(out, writer->header.data, writer->header.size, error);
    if (status == SCB_OK)
        status = seal_all(writer, text, out, error);
    if (status != SCB_OK)
        out->size = before;
    forget_file(writer);
    return status;
}

enum scb_status scb_age_writer_begin(struct scb_age_writer *writer, struct scb_sink sink,
                                     struct scb_error *error)
{
    writer->sink = sink;
    enum scb_status status = open_file(writer, error);
    if (status == SCB_OK)
        status = sink.write(sink.state, writer->header.data, writer->header.size, error);
    writer->is_open = true;
    if (status != SCB_OK)
        forget_file(writer);
    return status;
}

static enum scb_status seal(struct scb_age_writer *writer, struct scb_bytes text, bool last,
                            struct scb_error *error)
{
    enum scb_status status =
        scb_age_stream_seal(&writer->stream, &writer->kit, text, last, writer->sealed, error);
    if (status == SCB_OK)
        status = writer->sink.write(writer->sink.state, writer->sealed,
                                    text.size + SCB_AGE_TAG_SIZE, error);
    return status;
}

/* Seals one chunk that more follows: what is held with what fills it up, or straight from data. */
static enum scb_status seal_full(struct scb_age_writer *writer, struct scb_bytes *data,
                                 struct scb_error *error)
{
    size_t missing = SCB_AGE_CHUNK - writer->held;
    const uint8_t *chunk = data->data;
    if (writer->held > 0) {
        memcpy(writer->text + writer->held, data->data, missing);
        writer->touched = SCB_AGE_CHUNK;
        chunk = writer->text;
    }
    *data = (struct scb_bytes){data->data + missing, data->size - missing};
    writer->held = 0;
    return seal(writer, (struct scb_bytes){chunk, SCB_AGE_CHUNK}, false, error);
}

enum scb_status scb_age_writer_write(struct scb_age_writer *writer, const void *data, size_t size,
                                     struct scb_error *error)
{
    assert(writer->is_open);
    struct scb_bytes left = {data, size};
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && left.size > SCB_AGE_CHUNK - writer->held)
        status = seal_full(writer, &left, error);
    if (status == SCB_OK && left.size > 0) {
        memcpy(writer->text + writer->held, left.data, left.size);
        writer->held += left.size;
        if (writer->touched < writer->held)
            writer->touched = writer->held;
    }
    if (status != SCB_OK)
        forget_file(writer);
    return status;
}

enum scb_status scb_age_writer_end(struct scb_age_writer *writer, struct scb_error *error)
{
    assert(writer->is_open);
    enum scb_status status =
        seal(writer, (struct scb_bytes){writer->text, writer->held}, true, error);
    forget_file(writer);
    return status;
}

static enum scb_status sink_write(void *state, const void *data, size_t size,
                                  struct scb_error *error)
{
    return scb_age_writer_write(state, data, size, error);
}

struct scb_sink scb_age_writer_sink(struct scb_age_writer *writer)
{
    return (struct scb_sink){sink_write, writer};
}
