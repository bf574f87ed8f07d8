/* SPDX-License-Identifier: Apache-2.0 */
#include "format/rows.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

enum {
    MEMBERS = 3,
    PIECE = 24 * 1024, /* of a member, whole groups of base64; six times as much escaped */
};

static const char *const names[MEMBERS] = {"key", "value", "version_id"};

/* Room for a piece in its longest form. */
static enum scb_status make_room(struct scb_row_writer *writer, struct scb_error *error)
{
    struct scb_buffer *pending = &writer->pending;
    if (pending->max - pending->size >= 6 * (size_t)PIECE)
        return SCB_OK;
    enum scb_status status =
        writer->sink.write(writer->sink.state, pending->data, pending->size, error);
    scb_buffer_clear(pending);
    return status;
}

static enum scb_status put_text(struct scb_row_writer *writer, const char *text,
                                struct scb_error *error)
{
    return scb_buffer_append_text(&writer->pending, text, error);
}

/* Every quote doubled (RFC 4180). */
static enum scb_status put_quoted(struct scb_buffer *out, struct scb_bytes bytes,
                                  struct scb_error *error)
{
    enum scb_status status = scb_buffer_reserve(out, 2 * bytes.size, error);
    if (status != SCB_OK)
        return status;
    for (size_t i = 0; i < bytes.size; i++) {
        if (bytes.data[i] == '"')
            out->data[out->size++] = '"';
        out->data[out->size++] = bytes.data[i];
    }
    return SCB_OK;
}

/* A member's bytes in the way that its form and kind ask for. */
static enum scb_status put_bytes(struct scb_row_writer *writer, struct scb_bytes bytes, bool base64,
                                 struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t at = 0; status == SCB_OK && at < bytes.size; at += PIECE) {
        size_t left = bytes.size - at;
        struct scb_bytes piece = {bytes.data + at, left < PIECE ? left : PIECE};
        status = make_room(writer, error);
        if (status != SCB_OK)
            break;
        if (base64)
            status = scb_text_base64_append(&writer->pending, piece, error);
        else if (writer->form == SCB_ROWS_NDJSON)
            status = scb_json_append_escaped(&writer->pending, piece, error);
        else
            status = put_quoted(&writer->pending, piece, error);
    }
    return status;
}

static enum scb_status put_object(struct scb_row_writer *writer,
                                  const struct scb_bytes members[MEMBERS],
                                  const bool base64[MEMBERS], struct scb_error *error)
{
    static const char *const before[MEMBERS] = {"{\"key\":\"", "\",\"value\":\"",
                                                "\",\"version_id\":\""};
    const char *comma = "\",\"base64\":[\"";
    enum scb_status status = SCB_OK;
    for (size_t i = 0; status == SCB_OK && i < MEMBERS; i++) {
        status = put_text(writer, before[i], error);
        if (status == SCB_OK)
            status = put_bytes(writer, members[i], base64[i], error);
        if (status == SCB_OK)
            status = make_room(writer, error);
    }
    for (size_t i = 0; status == SCB_OK && i < MEMBERS; i++) {
        if (!base64[i])
            continue;
        status = put_text(writer, comma, error);
        if (status == SCB_OK)
            status = put_text(writer, names[i], error);
        comma = "\",\"";
    }
    bool any = base64[0] || base64[1] || base64[2];
    return status == SCB_OK ? put_text(writer, any ? "\"]}\n" : "\"}\n", error) : status;
}

/* A spreadsheet would take it for a formula, or for one that is escaped already. */
static bool is_formula(struct scb_bytes bytes)
{
    return bytes.size > 0 && bytes.data[0] != '\0' && strchr("=+-@\t\r'", bytes.data[0]) != NULL;
}

static bool needs_quotes(struct scb_bytes bytes)
{
    if (bytes.size == 0)
        return false;
    return memchr(bytes.data, '"', bytes.size) != NULL ||
           memchr(bytes.data, ',', bytes.size) != NULL ||
           memchr(bytes.data, '\n', bytes.size) != NULL ||
           memchr(bytes.data, '\r', bytes.size) != NULL || bytes.data[0] == ' ' ||
           bytes.data[bytes.size - 1] == ' ';
}

static enum scb_status put_field(struct scb_row_writer *writer, struct scb_bytes bytes, bool base64,
                                 struct scb_error *error)
{
    bool quotes = !base64 && needs_quotes(bytes);
    enum scb_status status = make_room(writer, error);
    if (status == SCB_OK && quotes)
        status = put_text(writer, "\"", error);
    if (status == SCB_OK && !base64 && writer->escape_formulas && is_formula(bytes))
        status = put_text(writer, "'", error);
    if (status == SCB_OK)
        status = put_bytes(writer, bytes, base64, error);
    if (status == SCB_OK)
        status = put_text(writer, quotes ? "\"," : ",", error);
    return status;
}

static enum scb_status put_fields(struct scb_row_writer *writer,
                                  const struct scb_bytes members[MEMBERS],
                                  const bool base64[MEMBERS], struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    for (size_t i = 0; status == SCB_OK && i < MEMBERS; i++)
        status = put_field(writer, members[i], base64[i], error);
    const char *blank = "";
    for (size_t i = 0; status == SCB_OK && i < MEMBERS; i++) {
        if (!base64[i])
            continue;
        status = put_text(writer, blank, error);
        if (status == SCB_OK)
            status = put_text(writer, names[i], error);
        blank = " ";
    }
    return status == SCB_OK ? put_text(writer, "\r\n", error) : status;
}

enum scb_status scb_row_writer_begin(struct scb_row_writer *writer, struct scb_error *error)
{
    return writer->form == SCB_ROWS_CSV ? put_text(writer, "key,value,version_id,base64\r\n", error)
                                        : SCB_OK;
}

enum scb_status scb_row_writer_add(struct scb_row_writer *writer, const struct scb_entry *entry,
                                   struct scb_error *error)
{
    const struct scb_bytes members[MEMBERS] = {entry->key, entry->value, entry->version_id};
    const bool base64[MEMBERS] = {!scb_text_is_utf8(entry->key), !scb_text_is_utf8(entry->value),
                                  !scb_text_is_utf8(entry->version_id)};
    return writer->form == SCB_ROWS_CSV ? put_fields(writer, members, base64, error)
                                        : put_object(writer, members, base64, error);
}

enum scb_status scb_row_writer_end(struct scb_row_writer *writer, struct scb_error *error)
{
    struct scb_bytes pending = scb_buffer_bytes(&writer->pending);
    enum scb_status status =
        pending.size == 0
            ? SCB_OK
            : writer->sink.write(writer->sink.state, pending.data, pending.size, error);
    scb_buffer_clear(&writer->pending);
    return status;
}
