/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An age file from anywhere, for one fixed identity and one fixed passphrase: it is refused, or
 * gives the same text in one piece as in many. The first byte chooses which of the two opens it.
 * Random changes never get past a MAC, so headers are also parsed by themselves, all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "crypto/age_reader.h"

enum { MAX = 1024 * 1024, PIECE = 61, MAX_WORK = 4 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key[] =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
static const char passphrase[] = "correct horse";

static enum scb_status append(void *state, const void *data, size_t size, struct scb_error *error)
{
    return scb_buffer_append(state, data, size, error);
}

static struct scb_age_identities *make_identities(bool of_passphrase)
{
    struct scb_age_identities *identities = NULL;
    struct scb_bytes secret = {(const uint8_t *)passphrase, strlen(passphrase)};
    struct scb_bytes text = {(const uint8_t *)key, strlen(key)};
    enum scb_status status =
        of_passphrase ? scb_age_identities_of_passphrase(secret, MAX_WORK, &identities, NULL)
                      : scb_age_identities_parse(text, &identities, NULL);
    return status == SCB_OK ? identities : NULL;
}

static enum scb_status read_pieces(struct scb_age_reader *reader, struct scb_bytes file,
                                   struct scb_buffer *out)
{
    enum scb_status status = SCB_OK;
    scb_age_reader_begin(reader, (struct scb_sink){append, out});
    for (size_t at = 0; status == SCB_OK && at < file.size; at += PIECE) {
        size_t piece = file.size - at < PIECE ? file.size - at : PIECE;
        status = scb_age_reader_write(reader, file.data + at, piece, NULL);
    }
    return status == SCB_OK ? scb_age_reader_end(reader, NULL) : status;
}

static void parse_header(struct scb_bytes file)
{
    static struct scb_age_header header = {.bytes.max = SCB_AGE_MAX_HEADER};
    if (scb_age_header_parse(&header, file, NULL) != SCB_OK)
        return;
    for (size_t i = 0; i < header.count; i++) {
        const struct scb_age_stanza *stanza = &header.stanzas[i];
        struct scb_bytes last = scb_age_stanza_argument(stanza, stanza->argument_count - 1);
        if (last.size == 0 ||
            last.data + last.size != stanza->arguments.data + stanza->arguments.size ||
            scb_age_stanza_argument(stanza, stanza->argument_count).size != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scb_age_reader *reader = NULL;
    struct scb_buffer whole = {.max = MAX}, pieces = {.max = MAX};
    if (data == NULL || size == 0 || size > MAX)
        return 0;
    struct scb_bytes file = {data + 1, size - 1};
    struct scb_age_identities *identities = make_identities(data[0] == 'p');
    if (identities != NULL && scb_age_reader_new(identities, &reader, NULL) == SCB_OK) {
        enum scb_status status = scb_age_reader_decrypt(reader, file, &whole, NULL);
        if (read_pieces(reader, file, &pieces) != status)
            abort();
        if (status == SCB_OK &&
            (whole.size != pieces.size ||
             (whole.size > 0 && memcmp(whole.data, pieces.data, whole.size) != 0)))
            abort();
    }
    parse_header(file);
    scb_age_reader_free(reader);
    scb_age_identities_free(identities);
    scb_buffer_free(&whole);
    scb_buffer_free(&pieces);
    return 0;
}
