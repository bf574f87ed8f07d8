/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_reader.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "crypto/age_header.h"
#include "crypto/age_primitive.h"
#include "crypto/age_stream.h"

struct scb_age_reader {
    const struct scb_age_identities *identities;
    struct scb_age_kit kit;
    enum { CLOSED, IN_HEADER, IN_NONCE, IN_PAYLOAD } state;
    struct scb_sink sink;
    struct scb_buffer text_of_header;
    size_t line; /* where the header's last line begins */
    struct scb_age_header header;
    struct scb_age_stream stream;
    uint8_t file_key[SCB_AGE_FILE_KEY_SIZE]; /* until the payload begins */
    size_t held;                             /* of sealed */
    size_t touched;                          /* of text: to be wiped */
    uint8_t sealed[SCB_AGE_SEALED_CHUNK];    /* the nonce first, then chunk by chunk */
    uint8_t text[SCB_AGE_CHUNK];
};

enum scb_status scb_age_reader_new(const struct scb_age_identities *identities,
                                   struct scb_age_reader **ret_reader, struct scb_error *error)
{
    SCB_AUTO(age_reader)
    struct scb_age_reader *reader = scb_alloc(1, sizeof(*reader), error);
    if (reader == NULL)
        return SCB_ERROR_RESOURCE;
    reader->identities = identities;
    reader->text_of_header.max = reader->header.bytes.max = SCB_AGE_MAX_HEADER;
    enum scb_status status = scb_age_kit_open(&reader->kit, error);
    if (status == SCB_OK)
        *ret_reader = SCB_TAKE(reader);
    return status;
}

/* Wipes what the file had of its own. */
static void forget_file(struct scb_age_reader *reader)
{
    scb_age_kit_forget(&reader->kit);
    scb_age_stream_forget(&reader->stream);
    scb_wipe(reader->file_key, sizeof(reader->file_key));
    scb_wipe(reader->text, reader->touched);
    reader->touched = reader->held = 0;
    reader->state = CLOSED;
}

void scb_age_reader_free(struct scb_age_reader *reader)
{
    if (reader == NULL)
        return;
    forget_file(reader);
    scb_age_kit_close(&reader->kit);
    scb_buffer_free(&reader->text_of_header);
    scb_buffer_free(&reader->header.bytes);
    free(reader);
}

void scb_age_reader_cleanup(struct scb_age_reader **reader)
{
    scb_age_reader_free(*reader);
}

void scb_age_reader_begin(struct scb_age_reader *reader, struct scb_sink sink)
{
    forget_file(reader);
    scb_buffer_clear(&reader->text_of_header);
    reader->line = 0;
    reader->sink = sink;
    reader->state = IN_HEADER;
}

static enum scb_status check_mac(struct scb_age_reader *reader, struct scb_error *error)
{
    uint8_t key[SCB_AGE_KEY_SIZE], mac[SCB_AGE_KEY_SIZE];
    struct scb_age_derivation derivation = {.secret = {reader->file_key, sizeof(reader->file_key)},
                                            .info = "header"};
    enum scb_status status = scb_age_derive(&reader->kit, &derivation, key, error);
    struct scb_bytes text = {reader->text_of_header.data, reader->header.authenticated};
    if (status == SCB_OK)
        status = scb_age_hmac(&reader->kit, key, text, mac, error);
    scb_wipe(key, sizeof(key));
    if (status == SCB_OK && CRYPTO_memcmp(mac, reader->header.mac, sizeof(mac)) != 0)
        status = scb_error_set(error, SCB_ERROR_INTEGRITY,
                               "age header MAC: it is not that of the header");
    return status;
}

/* The header is whole. */
static enum scb_status open_header(struct scb_age_reader *reader, struct scb_error *error)
{
    struct scb_bytes text = scb_buffer_bytes(&reader->text_of_header);
    enum scb_status status = scb_age_header_parse(&reader->header, text, error);
    if (status == SCB_OK)
        status = scb_age_identities_unwrap(reader->identities, &reader->kit, &reader->header,
                                           reader->file_key, error);
    if (status == SCB_OK)
        status = check_mac(reader, error);
    reader->state = IN_NONCE;
    return status;
}

/* A line of the header is whole. The first one that begins as the MAC's does is the last. */
static enum scb_status end_line(struct scb_age_reader *reader, struct scb_error *error)
{
    struct scb_bytes text = scb_buffer_bytes(&reader->text_of_header);
    const uint8_t *line = text.data + reader->line;
    size_t size = text.size - reader->line;
    if (reader->line == 0 &&
        (size != strlen(scb_age_version_line) || memcmp(line, scb_age_version_line, size) != 0))
        return scb_age_header_refuse(error, "this is no age v1 file");
    reader->line = text.size;
    bool last = size >= 3 && memcmp(line, "---", 3) == 0;
    return last ? open_header(reader, error) : SCB_OK;
}

/* Takes what is left of a line, or as much of it as there is. */
static enum scb_status take_header(struct scb_age_reader *reader, struct scb_bytes *data,
                                   struct scb_error *error)
{
    const uint8_t *end = memchr(data->data, '\n', data->size);
    size_t size = end == NULL ? data->size : (size_t)(end - data->data) + 1;
    if (size > SCB_AGE_MAX_HEADER - reader->text_of_header.size)
        return scb_age_header_refuse(error, "it is over 64 KiB");
    enum scb_status status = scb_buffer_append(&reader->text_of_header, data->data, size, error);
    *data = (struct scb_bytes){data->data + size, data->size - size};
    return status == SCB_OK && end != NULL ? end_line(reader, error) : status;
}

/* Fills sealed up to size bytes, as far as data goes. */
static void hold(struct scb_age_reader *reader, struct scb_bytes *data, size_t size)
{
    size_t take = size - reader->held < data->size ? size - reader->held : data->size;
    memcpy(reader->sealed + reader->held, data->data, take);
    reader->held += take;
    *data = (struct scb_bytes){data->data + take, data->size - take};
}

static enum scb_status take_nonce(struct scb_age_reader *reader, struct scb_bytes *data,
                                  struct scb_error *error)
{
    hold(reader, data, SCB_AGE_STREAM_NONCE_SIZE);
    if (reader->held < SCB_AGE_STREAM_NONCE_SIZE)
        return SCB_OK;
    enum scb_status status = scb_age_stream_begin(&reader->stream, &reader->kit, reader->file_key,
                                                  reader->sealed, error);
    scb_wipe(reader->file_key, sizeof(reader->file_key));
    reader->held = 0;
    reader->state = IN_PAYLOAD;
    return status;
}

static enum scb_status open_chunk(struct scb_age_reader *reader, struct scb_bytes sealed, bool last,
                                  struct scb_error *error)
{
    if (!scb_age_stream_open(&reader->stream, &reader->kit, sealed, last, reader->text))
        return scb_error_set(
            error, SCB_ERROR_INTEGRITY, "age payload: chunk %llu is not what was encrypted%s",
            (unsigned long long)reader->stream.chunks, last ? ", or the file is cut short" : "");
    size_t size = sealed.size - SCB_AGE_TAG_SIZE;
    if (reader->touched < size)
        reader->touched = size;
    return size == 0 ? SCB_OK : reader->sink.write(reader->sink.state, reader->text, size, error);
}

/* A chunk is opened when more follows it: out of what is held, or straight from data. */
static enum scb_status take_payload(struct scb_age_reader *reader, struct scb_bytes *data,
                                    struct scb_error *error)
{
    if (reader->held == 0 && data->size > SCB_AGE_SEALED_CHUNK) {
        struct scb_bytes chunk = {data->data, SCB_AGE_SEALED_CHUNK};
        *data = (struct scb_bytes){data->data + chunk.size, data->size - chunk.size};
        return open_chunk(reader, chunk, false, error);
    }
    hold(reader, data, SCB_AGE_SEALED_CHUNK);
    if (data->size == 0)
        return SCB_OK;
    reader->held = 0;
    return open_chunk(reader, (struct scb_bytes){reader->sealed, SCB_AGE_SEALED_CHUNK}, false,
                      error);
}

enum scb_status scb_age_reader_write(struct scb_age_reader *reader, const void *data, size_t size,
                                     struct scb_error *error)
{
    assert(reader->state != CLOSED);
    struct scb_bytes left = {data, size};
    enum scb_status status = SCB_OK;
    while (status == SCB_OK && left.size > 0) {
        if (reader->state == IN_HEADER)
            status = take_header(reader, &left, error);
        else if (reader->state == IN_NONCE)
            status = take_nonce(reader, &left, error);
        else
            status = take_payload(reader, &left, error);
    }
    if (status != SCB_OK)
        forget_file(reader);
    return status;
}

enum scb_status scb_age_reader_end(struct scb_age_reader *reader, struct scb_error *error)
{
    assert(reader->state != CLOSED);
    enum scb_status status = SCB_OK;
    if (reader->state == IN_PAYLOAD)
        status = open_chunk(reader, (struct scb_bytes){reader->sealed, reader->held}, true, error);
    else
        status = scb_age_header_refuse(error, "the file ends within it");
    forget_file(reader);
    return status;
}

static enum scb_status sink_write(void *state, const void *data, size_t size,
                                  struct scb_error *error)
{
    return scb_age_reader_write(state, data, size, error);
}

struct scb_sink scb_age_reader_sink(struct scb_age_reader *reader)
{
    return (struct scb_sink){sink_write, reader};
}

enum scb_status scb_age_reader_decrypt(struct scb_age_reader *reader, struct scb_bytes file,
                                       struct scb_buffer *out, struct scb_error *error)
{
    size_t before = out->size;
    scb_age_reader_begin(reader, scb_buffer_sink(out));
    enum scb_status status = scb_age_reader_write(reader, file.data, file.size, error);
    if (status == SCB_OK)
        status = scb_age_reader_end(reader, error);
    if (status != SCB_OK) {
        if (out->size > before)
            scb_wipe(out->data + before, out->size - before);
        out->size = before;
    }
    return status;
}

bool scb_age_file_is(struct scb_bytes file)
{
    static const char begin[] = "age-encryption.org/";
    return file.size >= sizeof(begin) - 1 && memcmp(file.data, begin, sizeof(begin) - 1) == 0;
}
