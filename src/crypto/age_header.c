/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/age_header.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum { COLUMNS = 64, MAC_DIGITS = 43, MAX_ARGUMENT = 32 };

const char scb_age_version_line[] = "age-encryption.org/v1\n";

enum scb_status scb_age_header_refuse(struct scb_error *error, const char *why)
{
    return scb_error_set(error, SCB_ERROR_INTEGRITY, "age header: %s", why);
}

enum scb_status scb_age_base64_append(struct scb_buffer *out, struct scb_bytes data,
                                      struct scb_error *error)
{
    enum scb_status status = scb_text_base64_append(out, data, error);
    if (status == SCB_OK)
        out->size -= (3 - data.size % 3) % 3; /* its padding */
    return status;
}

/* Canonical base64 without padding, appended to out. */
static enum scb_status decode(struct scb_bytes text, struct scb_buffer *out,
                              struct scb_error *error)
{
    size_t rest = text.size % 4;
    if (rest == 1 || memchr(text.data, '=', text.size) != NULL)
        return scb_age_header_refuse(error, "base64 is not canonical");
    uint8_t last[4] = {'=', '=', '=', '='};
    memcpy(last, text.data + text.size - rest, rest);
    enum scb_status status =
        scb_text_base64_decode(out, (struct scb_bytes){text.data, text.size - rest}, error);
    if (status == SCB_OK && rest > 0)
        status = scb_text_base64_decode(out, (struct scb_bytes){last, sizeof(last)}, error);
    return status == SCB_ERROR_INTEGRITY
               ? scb_age_header_refuse(error, "base64 has a digit or an end that none has")
               : status;
}

/* Takes a line off the front, without its line feed; false where there is no whole one. */
static bool take_line(struct scb_bytes *left, struct scb_bytes *ret_line)
{
    const uint8_t *end = left->size == 0 ? NULL : memchr(left->data, '\n', left->size);
    if (end == NULL)
        return false;
    *ret_line = (struct scb_bytes){left->data, (size_t)(end - left->data)};
    *left = (struct scb_bytes){end + 1, left->size - ret_line->size - 1};
    return true;
}

/* Takes a prefix off the front of a line. */
static bool take_prefix(struct scb_bytes *line, const char *prefix)
{
    size_t size = strlen(prefix);
    if (line->size < size || memcmp(line->data, prefix, size) != 0)
        return false;
    *line = (struct scb_bytes){line->data + size, line->size - size};
    return true;
}

/* Counts arguments of visible characters, one blank before each but the first; 0 where wrong. */
static size_t count_arguments(struct scb_bytes line)
{
    size_t count = 1;
    bool empty = true;
    for (size_t i = 0; i < line.size; i++) {
        uint8_t byte = line.data[i];
        if (byte == ' ' ? empty : byte < 0x21 || byte > 0x7e)
            return 0;
        count += byte == ' ';
        empty = byte == ' ';
    }
    return empty ? 0 : count;
}

/* Lines of 64 digits and one that is shorter, which may be empty. */
static enum scb_status parse_body(struct scb_age_header *header, struct scb_bytes *left,
                                  struct scb_error *error)
{
    struct scb_bytes line = {NULL, COLUMNS};
    while (line.size == COLUMNS) {
        if (!take_line(left, &line))
            return scb_age_header_refuse(error, "it ends within a stanza");
        if (line.size > COLUMNS)
            return scb_age_header_refuse(error, "a line of a stanza's body is too long");
        enum scb_status status = decode(line, &header->bytes, error);
        if (status != SCB_OK)
            return status;
    }
    return SCB_OK;
}

static enum scb_status parse_stanza(struct scb_age_header *header, struct scb_bytes line,
                                    struct scb_bytes *left, struct scb_error *error)
{
    if (!take_prefix(&line, "-> "))
        return scb_age_header_refuse(error, "a line is neither a stanza's nor the MAC's");
    if (header->count == SCB_AGE_MAX_STANZAS)
        return scb_age_header_refuse(error, "it has too many stanzas");
    struct scb_age_stanza *stanza = &header->stanzas[header->count++];
    *stanza = (struct scb_age_stanza){
        .arguments = line, .argument_count = count_arguments(line), .body_at = header->bytes.size};
    if (stanza->argument_count == 0)
        return scb_age_header_refuse(error, "a stanza's arguments are malformed");
    enum scb_status status = parse_body(header, left, error);
    stanza->body_size = header->bytes.size - stanza->body_at;
    return status;
}

static enum scb_status parse_mac(struct scb_age_header *header, struct scb_bytes digits,
                                 struct scb_error *error)
{
    if (digits.size != MAC_DIGITS ||
        !scb_age_argument_decode(digits, header->mac, sizeof(header->mac)))
        return scb_age_header_refuse(error, "its MAC is not the base64 of 32 bytes");
    return SCB_OK;
}

enum scb_status scb_age_header_parse(struct scb_age_header *header, struct scb_bytes text,
                                     struct scb_error *error)
{
    struct scb_bytes left = text, line;
    header->count = 0;
    scb_buffer_clear(&header->bytes);
    if (!take_prefix(&left, scb_age_version_line))
        return scb_age_header_refuse(error, "this is no age v1 file");
    while (take_line(&left, &line)) {
        const uint8_t *start = line.data;
        enum scb_status status = SCB_OK;
        if (!take_prefix(&line, "--- ")) {
            status = parse_stanza(header, line, &left, error);
            if (status != SCB_OK)
                return status;
            continue;
        }
        if (header->count == 0)
            return scb_age_header_refuse(error, "it has no stanza");
        if (left.size > 0)
            return scb_age_header_refuse(error, "its MAC is not at its end");
        header->authenticated = (size_t)(start - text.data) + strlen("---");
        return parse_mac(header, line, error);
    }
    return scb_age_header_refuse(error, "it ends early");
}

struct scb_bytes scb_age_stanza_argument(const struct scb_age_stanza *stanza, size_t index)
{
    struct scb_bytes left = stanza->arguments;
    for (;; index--) {
        const uint8_t *end = left.size == 0 ? NULL : memchr(left.data, ' ', left.size);
        size_t size = end == NULL ? left.size : (size_t)(end - left.data);
        if (index == 0)
            return (struct scb_bytes){left.data, size};
        if (end == NULL)
            return (struct scb_bytes){left.data + left.size, 0};
        left = (struct scb_bytes){end + 1, left.size - size - 1};
    }
}

struct scb_bytes scb_age_stanza_body(const struct scb_age_header *header,
                                     const struct scb_age_stanza *stanza)
{
    return (struct scb_bytes){header->bytes.data + stanza->body_at, stanza->body_size};
}

bool scb_age_argument_decode(struct scb_bytes argument, uint8_t *ret_data, size_t size)
{
    assert(size <= MAX_ARGUMENT);
    /* On the stack: a lack of memory is not to look like a malformed file. */
    uint8_t room[MAX_ARGUMENT + 3];
    struct scb_buffer bytes = {.data = room, .capacity = sizeof(room), .max = sizeof(room)};
    if (argument.size != (size * 4 + 2) / 3 || decode(argument, &bytes, NULL) != SCB_OK ||
        bytes.size != size)
        return false;
    memcpy(ret_data, bytes.data, size);
    return true;
}
