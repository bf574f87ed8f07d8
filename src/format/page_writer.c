/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Design: a member's text goes out in pieces of at most PIECE bytes, each of which fits into an
 * empty out even when every byte of it takes six, so memory is out->max whatever a value's size.
 * Whether a page spills depends on its exact size only, never on a worst case.
 *
 * Escaping is on the backup's hot path. Eight bytes without a special one are copied at once;
 * others go through a table without a branch, since the quotes in JSON values come at intervals
 * that branch prediction cannot learn.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "format/page.h"

enum {
    PIECE = 3 * 512, /* a multiple of 3, so that pieces of base64 join without padding */
    LONGEST_FORM = 6,
    SLACK = 8, /* a form is copied whole, all eight bytes of it */
    SMALLEST_MAX = 64 * 1024,
};
static_assert(PIECE * LONGEST_FORM + SLACK <= SMALLEST_MAX, "a piece fits into an empty out");

/* How a byte of text is written. */
struct form {
    char text[7]; /* not terminated */
    uint8_t size;
};

#define PLAIN(c)                                                                                   \
    {                                                                                              \
        {(char)(c)}, 1                                                                             \
    }
#define PLAIN4(c)  PLAIN(c), PLAIN((c) + 1), PLAIN((c) + 2), PLAIN((c) + 3)
#define PLAIN16(c) PLAIN4(c), PLAIN4((c) + 4), PLAIN4((c) + 8), PLAIN4((c) + 12)
#define SHORT(c)                                                                                   \
    {                                                                                              \
        {'\\', (c)}, 2                                                                             \
    }
#define LONG(high, low)                                                                            \
    {                                                                                              \
        {'\\', 'u', '0', '0', (high), (low)}, 6                                                    \
    }
#define LONG4(h, a, b, c, d) LONG(h, a), LONG(h, b), LONG(h, c), LONG(h, d)

/* clang-format off */
static const struct form forms[256] = {
    LONG4('0', '0', '1', '2', '3'),
    LONG4('0', '4', '5', '6', '7'),
    SHORT('b'), SHORT('t'), SHORT('n'), LONG('0', 'b'),
    SHORT('f'), SHORT('r'), LONG('0', 'e'), LONG('0', 'f'),
    LONG4('1', '0', '1', '2', '3'),
    LONG4('1', '4', '5', '6', '7'),
    LONG4('1', '8', '9', 'a', 'b'),
    LONG4('1', 'c', 'd', 'e', 'f'),
    PLAIN(' '), PLAIN('!'), SHORT('"'), PLAIN('#'), PLAIN4(0x24), PLAIN4(0x28), PLAIN4(0x2c),
    PLAIN16(0x30), PLAIN16(0x40),
    PLAIN4(0x50), PLAIN4(0x54), PLAIN4(0x58), SHORT('\\'), PLAIN(0x5d), PLAIN(0x5e), PLAIN(0x5f),
    PLAIN16(0x60), PLAIN16(0x70), PLAIN16(0x80), PLAIN16(0x90), PLAIN16(0xa0), PLAIN16(0xb0),
    PLAIN16(0xc0), PLAIN16(0xd0), PLAIN16(0xe0), PLAIN16(0xf0),
};
/* clang-format on */

void scb_page_writer_begin(struct scb_page_writer *writer, struct scb_buffer *out,
                           struct scb_sink spill)
{
    assert(out->max >= SMALLEST_MAX);
    *writer = (struct scb_page_writer){.out = out, .spill = spill};
    scb_buffer_clear(out);
}

static enum scb_status spill(struct scb_page_writer *writer, struct scb_error *error)
{
    struct scb_buffer *out = writer->out;
    if (writer->spill.write == NULL) {
        (void)scb_error_set(error, SCB_ERROR_RESOURCE,
                            "the page takes more than %zu bytes of JSON at its entry %" PRIu64,
                            out->max, writer->count);
        (void)scb_error_hint(error, "lower backup.page_size or raise backup.memory_limit");
        return SCB_ERROR_RESOURCE;
    }
    enum scb_status status = writer->spill.write(writer->spill.state, out->data, out->size, error);
    if (status == SCB_OK) {
        writer->spilled += out->size;
        scb_buffer_clear(out);
    }
    return status;
}

static enum scb_status emit(struct scb_page_writer *writer, const void *data, size_t size,
                            struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    if (size > writer->out->max - writer->out->size)
        status = spill(writer, error);
    return status == SCB_OK ? scb_buffer_append(writer->out, data, size, error) : status;
}

static enum scb_status emit_text(struct scb_page_writer *writer, const char *text,
                                 struct scb_error *error)
{
    return emit(writer, text, strlen(text), error);
}

/* Nonzero when one of eight bytes is a control, a quote or a backslash. */
static uint64_t special(uint64_t word)
{
    const uint64_t ones = UINT64_MAX / 255;
    uint64_t quotes = word ^ (ones * '"');
    uint64_t backslashes = word ^ (ones * '\\');
    return (((word - ones * 0x20) & ~word) | ((quotes - ones) & ~quotes) |
            ((backslashes - ones) & ~backslashes)) &
           (ones * 0x80);
}

/* out has room for size * LONGEST_FORM + SLACK; returns how much of it was used. */
static size_t escape(const uint8_t *data, size_t size, uint8_t *out)
{
    uint8_t *at = out;
    size_t i = 0;
    while (i < size) {
        size_t step = size - i < 8 ? size - i : 8;
        uint64_t word = 0;
        if (step == 8)
            memcpy(&word, data + i, 8);
        if (step == 8 && special(word) == 0) {
            memcpy(at, &word, 8);
            at += 8;
            i += 8;
            continue;
        }
        for (size_t end = i + step; i < end; i++) {
            const struct form *form = &forms[data[i]];
            memcpy(at, form, sizeof(*form));
            at += form->size;
        }
    }
    return (size_t)(at - out);
}

static enum scb_status emit_escaped_piece(struct scb_page_writer *writer, const uint8_t *data,
                                          size_t size, struct scb_error *error)
{
    struct scb_buffer *out = writer->out;
    size_t worst = size * LONGEST_FORM + SLACK;
    if (worst > out->max - out->size) {
        uint8_t scratch[PIECE * LONGEST_FORM + SLACK];
        return emit(writer, scratch, escape(data, size, scratch), error);
    }
    enum scb_status status = scb_buffer_reserve(out, worst, error);
    if (status == SCB_OK)
        out->size += escape(data, size, out->data + out->size);
    return status;
}

static enum scb_status emit_base64_piece(struct scb_page_writer *writer, const uint8_t *data,
                                         size_t size, struct scb_error *error)
{
    enum scb_status status = SCB_OK;
    if ((size + 2) / 3 * 4 > writer->out->max - writer->out->size)
        status = spill(writer, error);
    if (status == SCB_OK)
        status = scb_text_base64_append(writer->out, (struct scb_bytes){data, size}, error);
    return status;
}

/* before, the member in its form, and nothing after it. */
static enum scb_status emit_member(struct scb_page_writer *writer, const char *before,
                                   struct scb_bytes member, bool base64, struct scb_error *error)
{
    enum scb_status status = emit_text(writer, before, error);
    for (size_t done = 0; done < member.size && status == SCB_OK;) {
        size_t size = member.size - done < PIECE ? member.size - done : PIECE;
        status = base64 ? emit_base64_piece(writer, member.data + done, size, error)
                        : emit_escaped_piece(writer, member.data + done, size, error);
        done += size;
    }
    return status;
}

/* The fourth member: which of the first three are in base64. */
static enum scb_status emit_base64_list(struct scb_page_writer *writer, const bool base64[3],
                                        struct scb_error *error)
{
    static const char *const names[] = {"\"key\"", "\"value\"", "\"version_id\""};
    const char *before = ",\n    \"base64\": [";
    enum scb_status status = SCB_OK;
    for (size_t i = 0; i < SCB_LENGTH(names) && status == SCB_OK; i++) {
        if (!base64[i])
            continue;
        status = emit_text(writer, before, error);
        if (status == SCB_OK)
            status = emit_text(writer, names[i], error);
        before = ", ";
    }
    return status == SCB_OK ? emit_text(writer, "]", error) : status;
}

enum scb_status scb_page_writer_append(struct scb_page_writer *writer,
                                       const struct scb_entry *entry, struct scb_error *error)
{
    const bool base64[] = {!scb_text_is_utf8(entry->key), !scb_text_is_utf8(entry->value),
                           !scb_text_is_utf8(entry->version_id)};
    enum scb_status status = emit_member(
        writer, writer->count == 0 ? "[\n  {\n    \"key\": \"" : ",\n  {\n    \"key\": \"",
        entry->key, base64[0], error);
    if (status == SCB_OK)
        status = emit_member(writer, "\",\n    \"value\": \"", entry->value, base64[1], error);
    if (status == SCB_OK)
        status =
            emit_member(writer, "\",\n    \"version_id\": \"", entry->version_id, base64[2], error);
    if (status == SCB_OK)
        status = emit_text(writer, "\"", error);
    if (status == SCB_OK && (base64[0] || base64[1] || base64[2]))
        status = emit_base64_list(writer, base64, error);
    if (status == SCB_OK)
        status = emit_text(writer, "\n  }", error);
    if (status == SCB_OK)
        writer->count++;
    return status;
}

enum scb_status scb_page_writer_end(struct scb_page_writer *writer, struct scb_error *error)
{
    enum scb_status status = emit_text(writer, writer->count == 0 ? "[]" : "\n]", error);
    if (status == SCB_OK && writer->spilled > 0)
        status = spill(writer, error);
    return status;
}

void scb_page_file_name(uint64_t number, bool encrypted, char ret_name[SCB_PAGE_NAME_SIZE])
{
    (void)snprintf(ret_name, SCB_PAGE_NAME_SIZE, "page_%" PRIu64 ".json%s", number,
                   encrypted ? ".gz.age" : "");
}
